import type { Duplex } from "node:stream";
import type { Logger } from "../base/logger.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { hasFieldMoreThan } from "../proto/fields.ts";
import { ttrpc } from "../proto/index.ts";
import { encodeFailure } from "./envelope.ts";
import {
  type Frame,
  FrameFlag,
  FrameType,
  frameTypeName,
  MAX_DATA_LENGTH,
  type OversizedFrame,
  putHeader,
} from "./frame.ts";
import { FrameConnection } from "./frame-connection.ts";
import type { RegisteredMethod, Registry } from "./handlers.ts";
import { invoke } from "./invoke.ts";
import type { Limits } from "./limits.ts";
import { ServerCall } from "./server-call.ts";
import type { MethodKind } from "./service.ts";
import { oversizedError, statusToWire } from "./status.ts";

/** What a server gives each of its connections. */
export interface ServerConnectionOptions {
  readonly registry: Registry;
  readonly limits: Limits;
  readonly logger: Logger;
}

/** The number of the request's field that has its metadata (proto/ttrpc/request.proto). */
const METADATA_FIELD = 5;

/** The request flags each kind of method goes with; a closed client stream is an empty one. */
const flagsOf: Readonly<Record<MethodKind, readonly number[]>> = {
  unary: [FrameFlag.none, FrameFlag.remoteClosed],
  serverStream: [FrameFlag.remoteClosed],
  clientStream: [FrameFlag.remoteOpen, FrameFlag.remoteClosed],
  bidiStream: [FrameFlag.remoteOpen, FrameFlag.remoteClosed],
};

/**
 * The server's end of a connection. A frame that breaks the protocol is answered with an error on its stream and
 * ends that stream; the connection and its other streams go on.
 */
export class ServerConnection {
  readonly #wire: FrameConnection;
  readonly #options: ServerConnectionOptions;
  /** The calls whose handler has not ended, whether or not their answer is out. Idle means that it is empty. */
  readonly #calls = new Map<number, ServerCall>();
  /** The bytes of their requests. */
  #callBytes = 0;
  readonly #send = (frame: Uint8Array) => this.#write(frame);
  #lastId = 0;
  #draining: StatusError | undefined;

  constructor(stream: Duplex, options: ServerConnectionOptions) {
    this.#options = options;
    this.#wire = new FrameConnection(stream, options.limits, {
      // While the client does not take its answers, it gets no more questions in.
      onFrame: (frame) => this.#receive(frame) ?? this.#wire.caughtUp,
      onEnd: (reason) => this.#abandonAll(reason),
    });
  }

  /** Resolves, once, with why the connection ended; never rejects. */
  get closed(): Promise<StatusError> {
    return this.#wire.closed;
  }

  /** How many handlers run for this connection. */
  get activeCalls(): number {
    return this.#calls.size;
  }

  /** Ends the connection at once, for the reason given; the handlers' signals abort. */
  close(reason = new StatusError(StatusCode.unavailable, "connection closed by this side")): void {
    this.#wire.end(reason);
  }

  /** Refuses further calls, and ends the connection when those under way are answered. */
  drain(reason: StatusError): void {
    this.#draining = reason;
    this.#finishIfIdle();
  }

  #receive(frame: Frame | OversizedFrame): Promise<void> | undefined {
    const { streamId, type } = frame;
    if (streamId % 2 === 0) return this.#reject(streamId, "stream ids of a client are odd");
    if ("oversized" in frame) return this.#rejectOversized(frame);
    if (type === FrameType.request) return this.#open(frame);
    if (type === FrameType.data) return this.#receiveData(frame);
    if (type === FrameType.response) return this.#reject(streamId, "a client sends no responses");
    // Kept for later versions of the protocol.
    this.#options.logger.debug("frame dropped", { stream: streamId, type: frameTypeName(type) });
    return undefined;
  }

  #receiveData(frame: Frame): Promise<void> | undefined {
    const call = this.#active(frame.streamId);
    if (call !== undefined) return call.receive(frame);
    // A client may end its data when the answer is under way already.
    const isEnd = (frame.flags & FrameFlag.noData) !== 0 && frame.data.length === 0;
    if (isEnd && frame.streamId <= this.#lastId) return undefined;
    return this.#reject(frame.streamId, "the stream is not active");
  }

  #open(frame: Frame): undefined {
    const { streamId: id } = frame;
    if (id <= this.#lastId) return this.#reject(id, "stream ids are used once and must rise");
    this.#lastId = id;
    try {
      this.#start(frame, decodeRequest(frame, this.#options.limits));
    } catch (err) {
      this.#fail(id, StatusError.from(err));
    }
  }

  #start(frame: Frame, request: ttrpc.Request): void {
    const { registry, limits } = this.#options;
    if (this.#draining !== undefined) throw this.#draining;
    if (this.#calls.size >= limits.maxCalls) {
      const message = `${limits.maxCalls} calls of this connection are under way, which is the limit`;
      throw new StatusError(StatusCode.resourceExhausted, message);
    }
    const bytes = frame.data.length;
    if (this.#callBytes + bytes > limits.maxCallBytes) {
      const message = `the calls of this connection that are under way have ${this.#callBytes} bytes, of ${limits.maxCallBytes}`;
      throw new StatusError(StatusCode.resourceExhausted, message);
    }
    const method = registry.find(request.service, request.method);
    const flags = frame.flags & (FrameFlag.remoteClosed | FrameFlag.remoteOpen);
    if (!flagsOf[method.kind].includes(flags)) {
      const message = `${method.path}: flags ${flags} do not go with a method of kind ${method.kind}`;
      throw new StatusError(StatusCode.invalidArgument, message);
    }
    const call = new ServerCall({ id: frame.streamId, method, limits, write: this.#send, bytes }, request);
    this.#calls.set(frame.streamId, call);
    this.#callBytes += bytes;
    call.begin(request.payload, flags);
    this.#run(call, method, request.payload);
  }

  #run(call: ServerCall, method: RegisteredMethod, payload: Uint8Array): void {
    const ended = () => this.#ended(call);
    const failed = (err: unknown) => this.#handlerFailed(call, err);
    let answered: Promise<void> | undefined;
    try {
      answered = invoke(call, method, payload);
    } catch (err) {
      failed(err);
    }
    if (answered === undefined) ended();
    else answered.catch(failed).then(ended);
  }

  #handlerFailed(call: ServerCall, thrown: unknown): void {
    if (!(thrown instanceof StatusError)) {
      this.#options.logger.error("handler failed", { method: call.context.path, err: thrown });
    }
    call.fail(StatusError.from(thrown));
  }

  #ended({ id, bytes }: ServerCall): void {
    this.#calls.delete(id);
    this.#callBytes -= bytes;
    this.#finishIfIdle();
  }

  #finishIfIdle(): void {
    if (this.#draining !== undefined && this.#calls.size === 0) void this.#wire.finish(this.#draining);
  }

  #active(id: number): ServerCall | undefined {
    const call = this.#calls.get(id);
    return call?.finished ? undefined : call;
  }

  #rejectOversized({ streamId, type, oversized }: OversizedFrame): undefined {
    if (type === FrameType.request) this.#lastId = Math.max(this.#lastId, streamId);
    this.#fail(streamId, oversizedError(oversized, MAX_DATA_LENGTH));
  }

  #reject(id: number, why: string): undefined {
    this.#fail(id, new StatusError(StatusCode.invalidArgument, `stream ${id}: ${why}`));
  }

  /** Ends a stream with an error; where there is no such stream, the answer goes out all the same. */
  #fail(id: number, error: StatusError): void {
    const call = this.#active(id);
    if (call !== undefined) {
      call.fail(error);
    } else {
      const frame = encodeFailure(statusToWire(error));
      this.#write(putHeader(frame, { streamId: id, type: FrameType.response, flags: FrameFlag.none }));
    }
  }

  #write(frame: Uint8Array): Promise<void> | undefined {
    try {
      return this.#wire.send(frame);
    } catch (err) {
      // The connection has ended, and this changes nothing.
      this.#wire.end(StatusError.from(err));
      return undefined;
    }
  }

  #abandonAll(reason: StatusError): void {
    for (const call of [...this.#calls.values()]) call.abandon(reason);
  }
}

function decodeRequest({ streamId, data }: Frame, { maxMetadata }: Limits): ttrpc.Request {
  try {
    if (hasFieldMoreThan(data, METADATA_FIELD, maxMetadata)) {
      const message = `stream ${streamId}: a request may have ${maxMetadata} pairs of metadata, and this one has more`;
      throw new StatusError(StatusCode.resourceExhausted, message);
    }
    return ttrpc.Request.decode(data) as ttrpc.Request;
  } catch (cause) {
    if (cause instanceof StatusError) throw cause;
    throw new StatusError(StatusCode.invalidArgument, `stream ${streamId}: malformed request`, { cause });
  }
}

import type { Duplex } from "node:stream";
import { type Logger, nullLogger } from "../base/logger.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import type { CallIdentity, ClientCall } from "./client-call.ts";
import { ClientStream } from "./client-stream.ts";
import { encodeNames, encodeRequest, type RequestExtras } from "./envelope.ts";
import {
  type Frame,
  FrameFlag,
  FrameType,
  frameTypeName,
  MAX_STREAM_ID,
  type OversizedFrame,
  putHeader,
} from "./frame.ts";
import { FrameConnection } from "./frame-connection.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import { Metadata, type MetadataInit } from "./metadata.ts";
import { type MethodKind, methodPath } from "./service.ts";
import { UnaryCall } from "./unary-call.ts";

/** What a caller may ask of one call. */
export interface CallOptions {
  /** Ends the call here with `cancelled` (or the signal's own StatusError). The server is not told. */
  readonly signal?: AbortSignal;
  /** Ends the call with `deadlineExceeded` after so many milliseconds; the server is told with the request. */
  readonly timeoutMs?: number;
  /** Travels with the request. */
  readonly metadata?: MetadataInit;
}

/** What a client's connection may be given. */
export interface ClientOptions {
  readonly limits?: Partial<Limits>;
  readonly logger?: Logger;
}

/** A method to call, by its names on the wire. */
export interface CallTarget {
  readonly service: string;
  readonly method: string;
  readonly kind: MethodKind;
}

/** The longest time the request can carry, in nanoseconds: what a double has just below 2⁶³. */
const MAX_TIMEOUT_NANO = 2 ** 63 - 1024;

/**
 * The client's end of a connection: any number of calls at once. Every call ends: with its answer, its deadline
 * or abort, or, when the connection ends, with `unavailable` and a message that begins "connection closed".
 */
export class ClientConnection {
  readonly #wire: FrameConnection;
  readonly #calls = new Map<number, ClientCall>();
  readonly #forget = (id: number) => {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    this.#calls.delete(id);
    this.#wire.drop(call);
  };
  readonly #limits: Limits;
  readonly #logger: Logger;
  #nextId = 1;

  constructor(stream: Duplex, options: ClientOptions = {}) {
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#logger = options.logger ?? nullLogger;
    this.#wire = new FrameConnection(stream, this.#limits, {
      onFrame: (frame) => this.#receive(frame),
      onEnd: (reason) => this.#failAll(reason),
    });
  }

  /** Resolves, once, with why the connection ended; never rejects. */
  get closed(): Promise<StatusError> {
    return this.#wire.closed;
  }

  /** How many calls are under way. */
  get activeCalls(): number {
    return this.#calls.size;
  }

  /** Ends the connection at once; calls under way fail. */
  close(): void {
    this.#wire.end(new StatusError(StatusCode.unavailable, "connection closed by this side"));
  }

  /** A unary call in bytes; typed clients are made by `createClient`. */
  async unary(target: CallTarget, payload: Uint8Array, options: CallOptions = {}): Promise<Uint8Array> {
    const identity = this.#identify(target, options);
    const call = new UnaryCall(identity);
    this.#begin(call, identity, encodeRequest(methodOf(target).names, payload, extras(options)));
    return call.answer;
  }

  /**
   * Starts a call of any kind, in bytes. Throws where the request cannot be sent: it is too long
   * (`resourceExhausted`), too much waits already, or the connection has ended.
   */
  open(target: CallTarget, payload: Uint8Array, options: CallOptions): ClientStream {
    const identity = this.#identify(target, options);
    const stream = new ClientStream({ ...identity, wire: this.#wire, limits: this.#limits });
    const request = encodeRequest(methodOf(target).names, payload, extras(options));
    const error = this.#begin(stream, identity, request);
    if (error !== undefined) throw error;
    return stream;
  }

  #identify(target: CallTarget, { timeoutMs = Infinity, signal }: CallOptions): CallIdentity {
    const { path } = methodOf(target);
    if (!(timeoutMs > 0)) throw new StatusError(StatusCode.deadlineExceeded, `${path} had no time left`);
    return { id: this.#takeId(), path, kind: target.kind, timeoutMs, signal, onFinished: this.#forget };
  }

  /** Sends the request of a call. Where it cannot be sent the call has failed, and the error is returned. */
  #begin(call: ClientCall, { id, kind }: CallIdentity, request: Uint8Array): StatusError | undefined {
    call.watch();
    if (call.finished) return undefined;
    this.#calls.set(id, call);
    try {
      this.#wire.checkRoom(request.length);
      void this.#wire.send(
        putHeader(request, { streamId: id, type: FrameType.request, flags: requestFlags[kind] }),
        call,
      );
      return undefined;
    } catch (err) {
      const error = StatusError.from(err);
      call.cancel(error);
      return error;
    }
  }

  #takeId(): number {
    const id = this.#nextId;
    if (id > MAX_STREAM_ID) {
      this.#wire.end(
        new StatusError(StatusCode.unavailable, "connection closed: its stream ids are used up"),
      );
    }
    this.#nextId += 2;
    return id;
  }

  #receive(frame: Frame | OversizedFrame): Promise<void> | undefined {
    const call = this.#calls.get(frame.streamId);
    if (call !== undefined) return call.receive(frame);
    // Mostly an answer to a call that was given up; a peer that invents streams gets nothing for it either.
    this.#logger.debug("frame of no call dropped", {
      stream: frame.streamId,
      type: frameTypeName(frame.type),
    });
    return undefined;
  }

  #failAll(reason: StatusError): void {
    for (const call of [...this.#calls.values()]) call.fail(reason);
  }
}

/** The flags that open a stream of each kind. */
const requestFlags: Readonly<Record<MethodKind, number>> = {
  unary: FrameFlag.none,
  serverStream: FrameFlag.remoteClosed,
  clientStream: FrameFlag.remoteOpen,
  bidiStream: FrameFlag.remoteOpen,
};

/** What all calls of one method have in common, by the target they are made with. */
const methods = new WeakMap<CallTarget, { readonly path: string; readonly names: Uint8Array }>();

function methodOf(target: CallTarget): { readonly path: string; readonly names: Uint8Array } {
  const known = methods.get(target);
  if (known !== undefined) return known;
  const { service, method } = target;
  const made = { path: methodPath(service, method), names: encodeNames(service, method) };
  methods.set(target, made);
  return made;
}

function extras({ timeoutMs = Infinity, metadata }: CallOptions): RequestExtras | undefined {
  if (timeoutMs === Infinity && metadata === undefined) return undefined;
  return {
    ...(timeoutMs === Infinity ? {} : { timeoutNano: toNano(timeoutMs) }),
    ...(metadata === undefined ? {} : { metadata: new Metadata(metadata).toRequest() }),
  };
}

/** Never zero, which would mean no deadline. */
function toNano(ms: number): number {
  return Math.min(Math.max(1, Math.round(ms * 1e6)), MAX_TIMEOUT_NANO);
}

import type { Duplex } from "node:stream";
import { type Logger, nullLogger } from "../base/logger.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { ttrpc } from "../proto/index.ts";
import { ClientStream } from "./client-stream.ts";
import { type Frame, frameTypeName, MAX_STREAM_ID, type OversizedFrame } from "./frame.ts";
import { FrameConnection } from "./frame-connection.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import { Metadata, type MetadataInit } from "./metadata.ts";
import { type MethodKind, methodPath } from "./service.ts";

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
  readonly #streams = new Map<number, ClientStream>();
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
    return this.#streams.size;
  }

  /** Ends the connection at once; calls under way fail. */
  close(): void {
    this.#wire.end(new StatusError(StatusCode.unavailable, "connection closed by this side"));
  }

  /** A unary call in bytes; typed clients are made by `createClient`. */
  async unary(target: CallTarget, payload: Uint8Array, options: CallOptions = {}): Promise<Uint8Array> {
    const { done, value } = await this.open(target, payload, options).inbox.next();
    if (done) throw new StatusError(StatusCode.internal, `${target.method} ended without a response`);
    return value;
  }

  /**
   * Starts a call of any kind, in bytes. Throws where the request cannot be sent: it is too long
   * (`resourceExhausted`), too much waits already, or the connection has ended.
   */
  open(target: CallTarget, payload: Uint8Array, options: CallOptions): ClientStream {
    const path = methodPath(target.service, target.method);
    const timeoutMs = options.timeoutMs ?? Infinity;
    if (!(timeoutMs > 0)) throw new StatusError(StatusCode.deadlineExceeded, `${path} had no time left`);
    const id = this.#takeId();
    const onFinished = () => void this.#streams.delete(id);
    const { kind } = target;
    const stream = new ClientStream({ id, path, kind, wire: this.#wire, limits: this.#limits, onFinished });
    stream.watch(timeoutMs, options.signal);
    if (stream.finished) return stream;
    this.#streams.set(id, stream);
    try {
      void stream.open(encodeRequest(target, payload, options));
    } catch (err) {
      stream.cancel(StatusError.from(err));
      throw err;
    }
    return stream;
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
    const stream = this.#streams.get(frame.streamId);
    if (stream !== undefined) return stream.receive(frame);
    // Mostly an answer to a call that was given up; a peer that invents streams gets nothing for it either.
    this.#logger.debug("frame of no call dropped", {
      stream: frame.streamId,
      type: frameTypeName(frame.type),
    });
    return undefined;
  }

  #failAll(reason: StatusError): void {
    for (const stream of [...this.#streams.values()]) stream.fail(reason);
  }
}

function encodeRequest(target: CallTarget, payload: Uint8Array, options: CallOptions): Uint8Array {
  const { service, method } = target;
  const request: ttrpc.Request.$Properties = { service, method, payload };
  const { timeoutMs = Infinity, metadata } = options;
  if (timeoutMs !== Infinity) request.timeoutNano = toNano(timeoutMs);
  if (metadata !== undefined) request.metadata = new Metadata(metadata).toRequest();
  return ttrpc.Request.encode(request).finish();
}

/** Never zero, which would mean no deadline. */
function toNano(ms: number): number {
  return Math.min(Math.max(1, Math.round(ms * 1e6)), MAX_TIMEOUT_NANO);
}

import { abortable, MAX_TIMER_MS, within } from "../base/deadline.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { Breather } from "./breather.ts";
import { ServerContext } from "./call-context.ts";
import { encodeFailure, encodeResponse, type RequestExtras } from "./envelope.ts";
import {
  encodeFrame,
  type Frame,
  FrameFlag,
  FrameType,
  HEADER_LENGTH,
  MAX_DATA_LENGTH,
  putHeader,
} from "./frame.ts";
import type { RegisteredMethod } from "./handlers.ts";
import { Inbox } from "./inbox.ts";
import type { Limits } from "./limits.ts";
import type { MethodKind } from "./service.ts";
import { oversizedError, statusToWire } from "./status.ts";
import { type StreamEvent, type StreamState, serverTable } from "./stream-state.ts";

/** What a call needs of its connection. */
export interface ServerCallOptions {
  readonly id: number;
  readonly method: RegisteredMethod;
  readonly limits: Limits;
  /** How long the request is. */
  readonly bytes: number;
  /** Gives the bytes of a frame to the connection; a promise is settled when it takes more. Never throws. */
  readonly write: (frame: Uint8Array) => Promise<void> | undefined;
}

const initialState: Readonly<Record<MethodKind, StreamState>> = {
  unary: "unary",
  serverStream: "remoteClosed",
  clientStream: "open",
  bidiStream: "open",
};

const NOTHING = new Uint8Array(0);

/**
 * The server's end of one call, in bytes: its stream's state, what came and was not read, its deadline. It
 * finishes with a response, the close of its data or a failure, whichever is first; what follows is dropped.
 */
export class ServerCall {
  readonly context: ServerContext;
  readonly #options: ServerCallOptions;
  #state: StreamState;
  #inbox: Inbox | undefined;
  #breather: Breather | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ServerCallOptions, request: RequestExtras) {
    this.#options = options;
    this.#state = initialState[options.method.kind];
    this.context = new ServerContext(options.method.path, request);
    const timeoutMs = (request.timeoutNano ?? 0) / 1e6;
    if (timeoutMs !== 0) this.#startTimer(timeoutMs);
  }

  get id(): number {
    return this.#options.id;
  }

  get bytes(): number {
    return this.#options.bytes;
  }

  /** The client's messages, where it streams; else none. */
  get inbox(): Inbox | undefined {
    return this.#inbox;
  }

  /** Whether the answer is out or nobody waits for one. */
  get finished(): boolean {
    return this.#state === "finished";
  }

  /** Takes the request's own payload and flags, which begin the client's messages where it streams. */
  begin(payload: Uint8Array, flags: number): void {
    if (this.#state !== "open") return;
    this.#inbox = new Inbox(this.#options.limits);
    // An empty payload is no message here.
    if (payload.length > 0) this.#inbox.put(payload);
    if ((flags & FrameFlag.remoteClosed) === 0) return;
    this.#step("receiveClose");
    this.#inbox.end();
  }

  /** Takes a data frame. A promise holds the connection back. */
  receive({ flags, data }: Frame): Promise<void> | undefined {
    const closes = (flags & FrameFlag.remoteClosed) !== 0;
    const empty = (flags & FrameFlag.noData) !== 0;
    try {
      this.#step(closes ? "receiveClose" : "receiveData");
      if (empty && data.length > 0) throw this.#invalid("data in a frame that says it has none");
    } catch (err) {
      this.fail(StatusError.from(err));
      return undefined;
    }
    if (!empty) this.#inbox?.put(data);
    if (closes) this.#inbox?.end();
    return this.#makeRoom();
  }

  /** Finishes with the one answer of a unary or client-streaming call. */
  respond(payload: Uint8Array): void {
    if (this.finished) return;
    const response = encodeResponse(payload);
    const length = response.length - HEADER_LENGTH;
    if (length > MAX_DATA_LENGTH) this.fail(oversizedError(length, MAX_DATA_LENGTH));
    else if (this.#finish("sendResponse")) this.#writeResponse(response);
  }

  /** Sends one message of a stream; resolves when the connection takes more. Throws where it cannot be sent. */
  async sendData(message: Uint8Array): Promise<void> {
    if (message.length > MAX_DATA_LENGTH) throw oversizedError(message.length, MAX_DATA_LENGTH);
    this.#step("sendData");
    this.#breather ??= new Breather();
    const written = this.#write(FrameType.data, FrameFlag.none, message) ?? this.#breather.breathe();
    if (written !== undefined) await abortable(written, this.context.signal);
  }

  /** Finishes a stream whose messages are all sent. */
  closeData(): void {
    if (!this.#finish("sendClose")) return;
    this.#write(FrameType.data, FrameFlag.remoteClosed | FrameFlag.noData, NOTHING);
  }

  /** Finishes with an error: the client gets it as the status, the handler as its signal's reason. */
  fail(error: StatusError): void {
    if (!this.#finish("sendResponse", error)) return;
    this.#writeResponse(encodeFailure(statusToWire(error)));
    this.context.abort(error);
  }

  /** Finishes without an answer: the client is gone, or the server closes. */
  abandon(reason: StatusError): void {
    const message = `${this.context.path} was given up: ${reason.message}`;
    const error = new StatusError(StatusCode.cancelled, message, { cause: reason });
    if (this.#finish("sendResponse", error)) this.context.abort(error);
  }

  #makeRoom(): Promise<void> | undefined {
    const room = this.#inbox?.room;
    if (room === undefined) return undefined;
    const { stallMs } = this.#options.limits;
    return within(room, stallMs, this.context.path).catch(() => {
      const message = `${this.context.path}: messages of the stream were not read for ${stallMs} ms`;
      this.fail(new StatusError(StatusCode.resourceExhausted, message));
    });
  }

  #startTimer(ms: number): void {
    const expire = () => {
      this.fail(
        new StatusError(StatusCode.deadlineExceeded, `${this.context.path} took longer than ${ms} ms`),
      );
    };
    // What is longer than a timer holds (weeks) is left to the client.
    if (ms <= MAX_TIMER_MS) this.#timer = setTimeout(expire, Math.max(0, ms));
  }

  #step(event: StreamEvent): void {
    const transition = serverTable[this.#state][event];
    if ("error" in transition) throw this.#invalid(transition.error);
    this.#state = transition.next;
  }

  #finish(event: "sendResponse" | "sendClose", error?: StatusError): boolean {
    if (this.finished) return false;
    this.#step(event);
    clearTimeout(this.#timer);
    this.#inbox?.discard();
    this.#inbox?.fail(
      error ?? new StatusError(StatusCode.cancelled, `${this.context.path} has been answered`),
    );
    return true;
  }

  #write(type: number, flags: number, data: Uint8Array): Promise<void> | undefined {
    return this.#options.write(encodeFrame({ streamId: this.id, type, flags, data }));
  }

  #writeResponse(response: Uint8Array): void {
    const header = { streamId: this.id, type: FrameType.response, flags: FrameFlag.none };
    this.#options.write(putHeader(response, header));
  }

  #invalid(what: string): StatusError {
    const message = `${this.context.path}: ${what} (stream ${this.id})`;
    return new StatusError(StatusCode.invalidArgument, message);
  }
}

import { abortable, MAX_TIMER_MS, within } from "../base/deadline.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { ttrpc } from "../proto/index.ts";
import { Breather } from "./breather.ts";
import { type Frame, FrameFlag, FrameType, MAX_DATA_LENGTH } from "./frame.ts";
import type { CallContext, RegisteredMethod } from "./handlers.ts";
import { Inbox } from "./inbox.ts";
import type { Limits } from "./limits.ts";
import { Metadata } from "./metadata.ts";
import type { MethodKind } from "./service.ts";
import { oversizedError, statusToWire } from "./status.ts";
import { type StreamEvent, type StreamState, serverTable } from "./stream-state.ts";

/** What a call needs of its connection. */
export interface ServerCallOptions {
  readonly id: number;
  readonly method: RegisteredMethod;
  readonly limits: Limits;
  /** Gives a frame to the connection; a promise is settled when it takes more. Never throws. */
  readonly write: (frame: Frame) => Promise<void> | undefined;
}

const initialState: Readonly<Record<MethodKind, StreamState>> = {
  unary: "unary",
  serverStream: "remoteClosed",
  clientStream: "open",
  bidiStream: "open",
};

/**
 * The server's end of one call, in bytes: its stream's state, what came and was not read, its deadline. It
 * finishes with a response, the close of its data or a failure, whichever is first; what follows is dropped.
 */
export class ServerCall {
  readonly context: CallContext;
  readonly inbox: Inbox;
  readonly #options: ServerCallOptions;
  readonly #controller = new AbortController();
  readonly #breather = new Breather();
  #state: StreamState;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ServerCallOptions, request: ttrpc.Request.$Properties) {
    this.#options = options;
    this.#state = initialState[options.method.kind];
    this.inbox = new Inbox(options.limits);
    const timeoutMs = (request.timeoutNano ?? 0) / 1e6;
    this.context = {
      path: options.method.path,
      signal: this.#controller.signal,
      metadata: Metadata.fromRequest(request),
      deadline: timeoutMs === 0 ? undefined : Date.now() + timeoutMs,
    };
    if (timeoutMs !== 0) this.#startTimer(timeoutMs);
  }

  /** Whether the answer is out or nobody waits for one. */
  get finished(): boolean {
    return this.#state === "finished";
  }

  /** Takes the request's own payload and flags. */
  begin(payload: Uint8Array, flags: number): void {
    const streams = this.#state === "open";
    // Where the client streams, a payload in the request is its first message, and an empty one is none.
    if (!streams || payload.length > 0) this.inbox.put(payload);
    if (streams && (flags & FrameFlag.remoteClosed) !== 0) this.#step("receiveClose");
    if (this.#state !== "open") this.inbox.end();
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
    if (!empty) this.inbox.put(data);
    if (closes) this.inbox.end();
    return this.#makeRoom();
  }

  /** Finishes with the one answer of a unary or client-streaming call. */
  respond(payload: Uint8Array): void {
    const response = ttrpc.Response.encode(payload.length > 0 ? { payload } : {}).finish();
    if (response.length > MAX_DATA_LENGTH) this.fail(oversizedError(response.length, MAX_DATA_LENGTH));
    else if (this.#finish("sendResponse")) this.#write(FrameType.response, FrameFlag.none, response);
  }

  /** Sends one message of a stream; resolves when the connection takes more. Throws where it cannot be sent. */
  async sendData(message: Uint8Array): Promise<void> {
    if (message.length > MAX_DATA_LENGTH) throw oversizedError(message.length, MAX_DATA_LENGTH);
    this.#step("sendData");
    const written = this.#write(FrameType.data, FrameFlag.none, message) ?? this.#breather.breathe();
    if (written !== undefined) await abortable(written, this.#controller.signal);
  }

  /** Finishes a stream whose messages are all sent. */
  closeData(): void {
    if (!this.#finish("sendClose")) return;
    this.#write(FrameType.data, FrameFlag.remoteClosed | FrameFlag.noData, new Uint8Array(0));
  }

  /** Finishes with an error: the client gets it as the status, the handler as its signal's reason. */
  fail(error: StatusError): void {
    if (!this.#finish("sendResponse", error)) return;
    const response = ttrpc.Response.encode({ status: statusToWire(error) }).finish();
    this.#write(FrameType.response, FrameFlag.none, response);
    this.#controller.abort(error);
  }

  /** Finishes without an answer: the client is gone, or the server closes. */
  abandon(reason: StatusError): void {
    const message = `${this.context.path} was given up: ${reason.message}`;
    const error = new StatusError(StatusCode.cancelled, message, { cause: reason });
    if (this.#finish("sendResponse", error)) this.#controller.abort(error);
  }

  #makeRoom(): Promise<void> | undefined {
    const { room } = this.inbox;
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
    this.inbox.discard();
    this.inbox.fail(error ?? new StatusError(StatusCode.cancelled, `${this.context.path} has been answered`));
    return true;
  }

  #write(type: number, flags: number, data: Uint8Array): Promise<void> | undefined {
    return this.#options.write({ streamId: this.#options.id, type, flags, data });
  }

  #invalid(what: string): StatusError {
    const message = `${this.context.path}: ${what} (stream ${this.#options.id})`;
    return new StatusError(StatusCode.invalidArgument, message);
  }
}

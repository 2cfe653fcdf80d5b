import { type Deadline, within } from "../base/deadline.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { Breather } from "./breather.ts";
import { type CallIdentity, type ClientCall, protocolError, readResponse, watch } from "./client-call.ts";
import {
  encodeFrame,
  type Frame,
  FrameFlag,
  FrameType,
  frameTypeName,
  MAX_DATA_LENGTH,
  type OversizedFrame,
} from "./frame.ts";
import type { FrameConnection } from "./frame-connection.ts";
import { Inbox } from "./inbox.ts";
import type { Limits } from "./limits.ts";
import type { MethodKind } from "./service.ts";
import { oversizedError } from "./status.ts";
import { clientTable, type StreamEvent, type StreamState } from "./stream-state.ts";

/** What a stream needs of the call it carries. */
export interface StreamOptions extends CallIdentity {
  readonly wire: FrameConnection;
  readonly limits: Limits;
}

const initialState: Readonly<Record<MethodKind, StreamState>> = {
  unary: "unary",
  serverStream: "localClosed",
  clientStream: "open",
  bidiStream: "open",
};

/**
 * The client's end of one call, of any kind, in bytes. What comes is read from `inbox`. It finishes by itself:
 * by the server's last frame, a deadline, an abort, or the end of the connection; `cancel` does so by hand.
 * ttrpc has no frame for cancelling: the server learns of a deadline by the request, of anything else never.
 */
export class ClientStream implements ClientCall {
  readonly inbox: Inbox;
  readonly #options: StreamOptions;
  readonly #breather = new Breather();
  #state: StreamState;
  #deadline: Deadline | undefined;
  #error: StatusError | undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#state = initialState[options.kind];
    this.inbox = new Inbox(options.limits);
  }

  /** Whether nothing more will come or be sent. */
  get finished(): boolean {
    return this.#state === "finished";
  }

  watch(): void {
    this.#deadline = watch(this, this.#options);
  }

  /** Sends a message; resolves when the connection takes more, or the stream has finished meanwhile. */
  async send(message: Uint8Array): Promise<void> {
    if (this.finished) throw this.#endedError();
    // Refused before it counts as sent: the stream stays as it was.
    if (message.length > MAX_DATA_LENGTH) throw oversizedError(message.length, MAX_DATA_LENGTH);
    this.#options.wire.checkRoom(message.length);
    this.#step("sendData");
    await (this.#write(FrameType.data, FrameFlag.none, message) ?? this.#breather.breathe());
    if (this.#error !== undefined) throw this.#error;
  }

  /** Says that no more messages will be sent. A second call, or one after the stream's end, does nothing. */
  async end(): Promise<void> {
    if (this.#state !== "open") return;
    this.#step("sendClose");
    await this.#write(FrameType.data, FrameFlag.remoteClosed | FrameFlag.noData, new Uint8Array(0));
  }

  /** Takes a frame of this stream. A promise holds the connection back. */
  receive(frame: Frame | OversizedFrame): Promise<void> | undefined {
    if ("oversized" in frame) {
      this.#finish(oversizedError(frame.oversized, MAX_DATA_LENGTH));
      return undefined;
    }
    try {
      if (frame.type === FrameType.response) this.#receiveResponse(frame.data);
      else if (frame.type === FrameType.data) this.#receiveData(frame);
      else throw this.#protocolError(`unexpected ${frameTypeName(frame.type)} frame`);
    } catch (err) {
      this.#finish(StatusError.from(err));
    }
    return this.finished ? undefined : this.#makeRoom();
  }

  /** Ends the stream here; readers get the error, and nothing that came before it. */
  cancel(error: StatusError): void {
    this.inbox.discard();
    this.#finish(error);
  }

  /** The connection has ended: readers get what has come, then the error. */
  fail(error: StatusError): void {
    this.#finish(error);
  }

  #receiveResponse(data: Uint8Array): void {
    this.#step("receiveResponse");
    const message = readResponse(this.#options, data);
    const isOne = this.#options.kind === "unary" || this.#options.kind === "clientStream";
    // Where the server streams, an empty response only says that it is done.
    if (isOne || message.length > 0) this.inbox.put(message);
    this.#finish();
  }

  #receiveData({ flags, data }: Frame): void {
    if (this.#options.kind === "clientStream") throw this.#protocolError("data instead of a response");
    const closes = (flags & FrameFlag.remoteClosed) !== 0;
    this.#step(closes ? "receiveClose" : "receiveData");
    if ((flags & FrameFlag.noData) === 0) this.inbox.put(data);
    else if (data.length > 0) throw this.#protocolError("data in a frame that says it has none");
    if (closes) this.#finish();
  }

  #makeRoom(): Promise<void> | undefined {
    const { room } = this.inbox;
    if (room === undefined) return undefined;
    const { path, limits } = this.#options;
    return within(room, limits.stallMs, path).catch(() => {
      const message = `${path}: messages of the stream were not read for ${limits.stallMs} ms`;
      this.cancel(new StatusError(StatusCode.resourceExhausted, message));
    });
  }

  #step(event: StreamEvent): void {
    const transition = clientTable[this.#state][event];
    if ("error" in transition) throw this.#protocolError(transition.error);
    // A close the server sent is finished by #finish, which also tells everybody.
    if (transition.next !== "finished") this.#state = transition.next;
  }

  #write(type: number, flags: number, data: Uint8Array): Promise<void> | undefined {
    const { wire, id } = this.#options;
    return wire.send(encodeFrame({ streamId: id, type, flags, data }), this);
  }

  #endedError(): StatusError {
    const message = `${this.#options.path}: the stream is finished`;
    return this.#error ?? new StatusError(StatusCode.failedPrecondition, message);
  }

  #finish(error?: StatusError): void {
    if (this.finished) return;
    this.#state = "finished";
    this.#error = error;
    this.#deadline?.cleanup();
    if (error === undefined) this.inbox.end();
    else this.inbox.fail(error);
    this.#options.onFinished(this.#options.id);
  }

  #protocolError(what: string): StatusError {
    return protocolError(this.#options, what);
  }
}

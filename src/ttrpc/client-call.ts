import { type Deadline, deadline, MAX_TIMER_MS } from "../base/deadline.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { ttrpc } from "../proto/index.ts";
import type { Frame, OversizedFrame } from "./frame.ts";
import type { MethodKind } from "./service.ts";
import { abortError, statusFromWire } from "./status.ts";

/** A call under way, as its connection sees it. */
export interface ClientCall {
  /** Whether nothing more will come or be sent. */
  readonly finished: boolean;
  /** Begins to count the call's time; called once, before the request is sent. */
  watch(): void;
  /** Takes a frame of this call. A promise holds the connection back. */
  receive(frame: Frame | OversizedFrame): Promise<void> | undefined;
  /** Ends the call here; who waits for it gets the error, and nothing that came before it. */
  cancel(error: StatusError): void;
  /** The connection has ended: who reads gets what has come, then the error. */
  fail(error: StatusError): void;
}

/** What a call is. */
export interface CallIdentity {
  readonly id: number;
  /** The method's path, for messages. */
  readonly path: string;
  readonly kind: MethodKind;
  /** `Infinity` for no limit. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Called once, when nothing more will come or be sent. */
  readonly onFinished: (id: number) => void;
}

/** Cancels a call when its time is over or its signal aborts, whichever is first, until it is cleaned up. */
export function watch(call: ClientCall, { path, timeoutMs, signal }: CallIdentity): Deadline | undefined {
  if (timeoutMs === Infinity && signal === undefined) return undefined;
  // A longer time than a timer holds is the server's to keep; here it would end too early.
  const watched = deadline(timeoutMs > MAX_TIMER_MS ? Infinity : timeoutMs, path, signal);
  const cancel = () => call.cancel(abortError(watched.signal.reason, path));
  if (watched.signal.aborted) cancel();
  else watched.signal.addEventListener("abort", cancel);
  if (call.finished) watched.cleanup();
  return watched;
}

/** The error for what a server must not do. */
export function protocolError({ id, path }: CallIdentity, what: string, cause?: unknown): StatusError {
  return new StatusError(StatusCode.internal, `${path}: ${what} (stream ${id})`, { cause });
}

/** The message that a response brings; throws the error it brings instead, or why it is none. */
export function readResponse(call: CallIdentity, data: Uint8Array): Uint8Array {
  const { status, payload } = decode(call, data);
  const error = statusFromWire(status);
  if (error !== undefined) throw error;
  return payload;
}

function decode(call: CallIdentity, data: Uint8Array): ttrpc.Response {
  try {
    return ttrpc.Response.decode(data) as ttrpc.Response;
  } catch (cause) {
    throw protocolError(call, "malformed response", cause);
  }
}

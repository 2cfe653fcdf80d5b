import type { Deadline } from "../base/deadline.ts";
import { deferred } from "../base/deferred.ts";
import { StatusError } from "../base/status.ts";
import { type CallIdentity, type ClientCall, protocolError, readResponse, watch } from "./client-call.ts";
import { type Frame, FrameType, frameTypeName, MAX_DATA_LENGTH, type OversizedFrame } from "./frame.ts";
import { oversizedError } from "./status.ts";
import { clientTable } from "./stream-state.ts";

/** The client's end of a unary call: one answer, and nothing else may come. What ends it first is its outcome. */
export class UnaryCall implements ClientCall {
  readonly #identity: CallIdentity;
  readonly #answer = deferred<Uint8Array>();
  #deadline: Deadline | undefined;
  #finished = false;

  constructor(identity: CallIdentity) {
    this.#identity = identity;
  }

  /** The message of the answer; rejects with the call's StatusError. */
  get answer(): Promise<Uint8Array> {
    return this.#answer.promise;
  }

  get finished(): boolean {
    return this.#finished;
  }

  watch(): void {
    this.#deadline = watch(this, this.#identity);
  }

  receive(frame: Frame | OversizedFrame): undefined {
    try {
      const message = this.#read(frame);
      if (this.#finish()) this.#answer.resolve(message);
    } catch (err) {
      this.cancel(StatusError.from(err));
    }
  }

  cancel(error: StatusError): void {
    if (this.#finish()) this.#answer.reject(error);
  }

  fail(error: StatusError): void {
    this.cancel(error);
  }

  #read(frame: Frame | OversizedFrame): Uint8Array {
    if ("oversized" in frame) throw oversizedError(frame.oversized, MAX_DATA_LENGTH);
    if (frame.type === FrameType.response) return readResponse(this.#identity, frame.data);
    throw protocolError(this.#identity, whyNot(frame.type));
  }

  #finish(): boolean {
    if (this.#finished) return false;
    this.#finished = true;
    this.#deadline?.cleanup();
    this.#identity.onFinished(this.#identity.id);
    return true;
  }
}

/** Why a frame that is no response may not come. */
function whyNot(type: number): string {
  const { receiveData } = clientTable.unary;
  const data = type === FrameType.data && "error" in receiveData;
  return data ? receiveData.error : `unexpected ${frameTypeName(type)} frame`;
}

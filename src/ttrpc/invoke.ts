import { abortable } from "../base/deadline.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import type { RegisteredMethod } from "./handlers.ts";
import type { ServerCall } from "./server-call.ts";
import { type Codec, encodeWith, type Incoming } from "./service.ts";

/**
 * Runs the handler of a call, with the request's payload or what the client streams, and answers with what it gives.
 * Undefined where that is done at once; else resolves when the handler has ended, however late that is. Throws or
 * rejects with what the handler threw.
 */
export function invoke(
  call: ServerCall,
  method: RegisteredMethod,
  payload: Uint8Array,
): Promise<void> | undefined {
  const { input, output } = method.descriptor;
  const { context } = call;
  switch (method.kind) {
    case "unary":
      return answer(call, output, method.handler(decode(call, input, payload), context));
    case "clientStream":
      return answer(call, output, method.handler(incoming(call, input), context));
    case "serverStream":
      return pipe(call, output, method.handler(decode(call, input, payload), context));
    case "bidiStream":
      return pipe(call, output, method.handler(incoming(call, input), context));
  }
}

function answer(call: ServerCall, output: Codec, given: unknown): Promise<void> | undefined {
  if (isThenable(given))
    return Promise.resolve(given).then((message) => call.respond(encodeWith(output, message)));
  call.respond(encodeWith(output, given));
  return undefined;
}

function isThenable(given: unknown): given is PromiseLike<unknown> {
  return typeof given === "object" && given !== null && "then" in given && typeof given.then === "function";
}

function incoming(call: ServerCall, input: Codec): Incoming<unknown> {
  const next = async (): Promise<IteratorResult<unknown, undefined>> => {
    const { done, value } = (await call.inbox?.next()) ?? END;
    return done ? { done: true, value } : { done: false, value: decode(call, input, value) };
  };
  const stop = async (): Promise<IteratorReturnResult<undefined>> => {
    call.inbox?.discard();
    return { done: true, value: undefined };
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: stop }) };
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

function decode(call: ServerCall, input: Codec, bytes: Uint8Array): unknown {
  try {
    return input.decode(bytes);
  } catch (cause) {
    const message = `${call.context.path}: the request is malformed`;
    throw new StatusError(StatusCode.invalidArgument, message, { cause });
  }
}

/** Sends what the handler yields, as fast as the client takes it. A handler that waits is left when the call ends. */
async function pipe(call: ServerCall, output: Codec, messages: AsyncIterable<unknown>): Promise<void> {
  const iterator = messages[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await abortable(iterator.next(), call.context.signal);
      if (done) return call.closeData();
      await call.sendData(encodeWith(output, value));
    }
  } catch (err) {
    call.fail(StatusError.from(err));
    await iterator.return?.();
    throw err;
  }
}

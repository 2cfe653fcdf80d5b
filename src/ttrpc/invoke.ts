import { abortable } from "../base/deadline.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import type { RegisteredMethod } from "./handlers.ts";
import type { ServerCall } from "./server-call.ts";
import { type Codec, encodeWith, type Incoming } from "./service.ts";

/**
 * Runs the handler of a call and answers with what it gives. Resolves when the handler has ended, however late
 * that is; rejects with what it threw.
 */
export async function invoke(call: ServerCall, method: RegisteredMethod): Promise<void> {
  const { input, output } = method.descriptor;
  const { context } = call;
  switch (method.kind) {
    case "unary":
      return call.respond(encodeWith(output, await method.handler(await first(call, input), context)));
    case "clientStream":
      return call.respond(encodeWith(output, await method.handler(incoming(call, input), context)));
    case "serverStream":
      return pipe(call, output, method.handler(await first(call, input), context));
    case "bidiStream":
      return pipe(call, output, method.handler(incoming(call, input), context));
  }
}

async function first(call: ServerCall, input: Codec): Promise<unknown> {
  const { value } = await call.inbox.next();
  return decode(call, input, value ?? new Uint8Array(0));
}

function incoming(call: ServerCall, input: Codec): Incoming<unknown> {
  const next = async (): Promise<IteratorResult<unknown, undefined>> => {
    const { done, value } = await call.inbox.next();
    return done ? { done: true, value } : { done: false, value: decode(call, input, value) };
  };
  const stop = async (): Promise<IteratorReturnResult<undefined>> => {
    call.inbox.discard();
    return { done: true, value: undefined };
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: stop }) };
}

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

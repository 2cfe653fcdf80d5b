import { StatusCode, StatusError } from "../base/status.ts";
import type { CallOptions, CallTarget, ClientConnection } from "./client-connection.ts";
import type { ClientStream } from "./client-stream.ts";
import {
  type Decoded,
  type Encodable,
  encodeWith,
  type MethodDescriptor,
  methodPath,
  type ServiceDescriptor,
} from "./service.ts";

/** The messages of a server, in order. Leaving a `for await` loop early (or `return`) ends the call. */
export interface ServerMessages<O> {
  next(): Promise<IteratorResult<O, undefined>>;
  return(): Promise<IteratorReturnResult<undefined>>;
  [Symbol.asyncIterator](): ServerMessages<O>;
}

/** A call in which the client sends any number of messages and the server answers once. */
export interface ClientStreamCall<I, O> {
  /** Sends a message; resolves when the connection takes more, and throws what the call has failed with. */
  send(message: I): Promise<void>;
  /** Says that no more messages come; resolves to the server's answer. */
  finish(): Promise<O>;
  /** Ends the call here. The server is not told. */
  cancel(): void;
}

/** A call in which both sides send any number of messages. Iterate it for the server's; read them once. */
export interface BidiStreamCall<I, O> extends AsyncIterable<O> {
  /** Sends a message; resolves when the connection takes more, and throws what the call has failed with. */
  send(message: I): Promise<void>;
  /** Says that no more messages come. The server may go on sending. */
  end(): Promise<void>;
  /** Ends the call here. The server is not told. */
  cancel(): void;
  [Symbol.asyncIterator](): ServerMessages<O>;
}

interface MethodsByKind<I, O> {
  readonly unary: (request: I, options?: CallOptions) => Promise<O>;
  readonly serverStream: (request: I, options?: CallOptions) => ServerMessages<O>;
  readonly clientStream: (options?: CallOptions) => ClientStreamCall<I, O>;
  readonly bidiStream: (options?: CallOptions) => BidiStreamCall<I, O>;
}

/** The function by which a method is called. */
export type ClientMethod<M extends MethodDescriptor> = MethodsByKind<
  Encodable<M["input"]>,
  Decoded<M["output"]>
>[M["kind"]];

/** A service's client: a function for each method, by its name in code. */
export type Client<D extends ServiceDescriptor> = {
  readonly [K in keyof D["methods"]]: ClientMethod<D["methods"][K]>;
};

/**
 * Makes the typed client of a service. Errors are StatusErrors: what the server answered; `deadlineExceeded`,
 * `cancelled`; `unavailable` where the connection is lost; `resourceExhausted` where a message is too long;
 * `internal` where the server breaks the protocol. Unary calls reject with them, streams throw them where they
 * are read or written (a request that cannot be sent: at the call).
 */
export function createClient<D extends ServiceDescriptor>(
  descriptor: D,
  connection: ClientConnection,
): Client<D> {
  const methods = Object.entries(descriptor.methods).map(([key, method]) => [
    key,
    callers[method.kind](calleeOf(connection, descriptor.name, method)),
  ]);
  return Object.fromEntries(methods);
}

interface Callee {
  readonly connection: ClientConnection;
  readonly target: CallTarget;
  readonly path: string;
  readonly method: MethodDescriptor;
}

function calleeOf(connection: ClientConnection, service: string, method: MethodDescriptor): Callee {
  const { name, kind } = method;
  return { connection, target: { service, method: name, kind }, path: methodPath(service, name), method };
}

/** How each kind of method is called; the types are put on by {@link Client}. */
const callers: {
  readonly [K in MethodDescriptor["kind"]]: (to: Callee) => MethodsByKind<unknown, unknown>[K];
} = {
  unary: (to) => async (request, options) => {
    const answer = await to.connection.unary(to.target, encodeInput(to, request), options);
    return decodeAnswer(to, answer);
  },
  serverStream: (to) => (request, options) => {
    return incoming(to, open(to, encodeInput(to, request), options));
  },
  clientStream: (to) => (options) => {
    const stream = open(to, new Uint8Array(0), options);
    return { ...writer(to, stream), finish: () => finish(to, stream) };
  },
  bidiStream: (to) => (options) => {
    const stream = open(to, new Uint8Array(0), options);
    const messages = incoming(to, stream);
    return { ...writer(to, stream), end: () => stream.end(), [Symbol.asyncIterator]: () => messages };
  },
};

function open(to: Callee, payload: Uint8Array, options: CallOptions = {}): ClientStream {
  return to.connection.open(to.target, payload, options);
}

function encodeInput({ path, method }: Callee, message: unknown): Uint8Array {
  try {
    return encodeWith(method.input, message);
  } catch (cause) {
    const text = `${path}: the message cannot be encoded`;
    throw new StatusError(StatusCode.invalidArgument, text, { cause });
  }
}

function decodeAnswer({ path, method }: Callee, bytes: Uint8Array): unknown {
  try {
    return method.output.decode(bytes);
  } catch (cause) {
    const message = `${path}: the answer is malformed`;
    throw new StatusError(StatusCode.internal, message, { cause });
  }
}

function cancelled({ path }: Callee): StatusError {
  return new StatusError(StatusCode.cancelled, `${path} was cancelled`);
}

function writer(to: Callee, stream: ClientStream) {
  return {
    send: async (message: unknown) => stream.send(encodeInput(to, message)),
    cancel: () => stream.cancel(cancelled(to)),
  };
}

async function finish(to: Callee, stream: ClientStream): Promise<unknown> {
  await stream.end();
  const { done, value } = await stream.inbox.next();
  if (done)
    throw new StatusError(StatusCode.failedPrecondition, `${to.method.name} has been answered already`);
  return decodeAnswer(to, value);
}

function incoming(to: Callee, stream: ClientStream): ServerMessages<unknown> {
  const messages: ServerMessages<unknown> = {
    next: async () => {
      const { done, value } = await stream.inbox.next();
      if (done) return { done: true, value };
      try {
        return { done: false, value: decodeAnswer(to, value) };
      } catch (err) {
        stream.cancel(StatusError.from(err));
        throw err;
      }
    },
    return: async () => {
      stream.cancel(cancelled(to));
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => messages,
  };
  return messages;
}

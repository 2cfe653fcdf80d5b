import { StatusCode, StatusError } from "../base/status.ts";
import type { Metadata } from "./metadata.ts";
import {
  type Decoded,
  type Encodable,
  type Incoming,
  type MethodDescriptor,
  methodPath,
  type ServiceDescriptor,
} from "./service.ts";

/** What a handler is told beside the request. */
export interface CallContext {
  /** The method's path, `/package.Service/Method`. */
  readonly path: string;
  /**
   * Aborts, with a StatusError, when nobody waits for the answer any more: the deadline has passed, the client
   * is gone, the stream has failed, or the server closes.
   */
  readonly signal: AbortSignal;
  readonly metadata: Metadata;
  /** When the client's time is over, in milliseconds since the epoch; undefined where it set none. */
  readonly deadline: number | undefined;
}

type Awaitable<T> = T | Promise<T>;

interface HandlersByKind<I, O> {
  readonly unary: (request: I, context: CallContext) => Awaitable<O>;
  readonly serverStream: (request: I, context: CallContext) => AsyncIterable<O>;
  readonly clientStream: (requests: Incoming<I>, context: CallContext) => Awaitable<O>;
  readonly bidiStream: (requests: Incoming<I>, context: CallContext) => AsyncIterable<O>;
}

/** The function that serves a method. */
export type Handler<M extends MethodDescriptor> = HandlersByKind<
  Decoded<M["input"]>,
  Encodable<M["output"]>
>[M["kind"]];

/** A handler for each method of a service. */
export type Handlers<D extends ServiceDescriptor> = {
  readonly [K in keyof D["methods"]]: Handler<D["methods"][K]>;
};

/** A method as the server finds it by its name on the wire; its kind says which form the handler has. */
export type RegisteredMethod = {
  [K in MethodDescriptor["kind"]]: {
    readonly kind: K;
    readonly path: string;
    readonly descriptor: MethodDescriptor;
    readonly handler: HandlersByKind<unknown, unknown>[K];
  };
}[MethodDescriptor["kind"]];

/** The services a server knows. */
export class Registry {
  readonly #services = new Map<string, Map<string, RegisteredMethod>>();

  /** Adds a service. Methods without a handler stay unimplemented. Throws `alreadyExists` for a second one. */
  add<D extends ServiceDescriptor>(descriptor: D, handlers: Partial<Handlers<D>>): void {
    const { name: service } = descriptor;
    if (this.#services.has(service)) {
      throw new StatusError(StatusCode.alreadyExists, `service ${service} is registered already`);
    }
    const methods = new Map<string, RegisteredMethod>();
    for (const [key, method] of Object.entries(descriptor.methods)) {
      const handler = handlers[key];
      if (handler === undefined) continue;
      const path = methodPath(service, method.name);
      const registered = { kind: method.kind, path, descriptor: method, handler: handler.bind(handlers) };
      // The type of `handlers` has tied each handler to its method's kind.
      methods.set(method.name, registered as RegisteredMethod);
    }
    this.#services.set(service, methods);
  }

  /** Finds a method; throws `unimplemented`, naming what is missing as ttrpc does. */
  find(service: string, method: string): RegisteredMethod {
    const methods = this.#services.get(service);
    if (methods === undefined) throw new StatusError(StatusCode.unimplemented, `service ${service}`);
    const found = methods.get(method);
    if (found === undefined) throw new StatusError(StatusCode.unimplemented, `method ${method}`);
    return found;
  }
}

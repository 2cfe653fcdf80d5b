/**
 * What a service is, as plain data, and the types of its client and its handlers that follow from it. The
 * descriptors generated from .proto files have this form; so has anything written by hand.
 */

/**
 * Turns messages into bytes and back; the static side of a protobufjs class is one. `encode` may throw for what
 * is no such message, `decode` for malformed bytes.
 */
export interface Codec {
  encode(message: never): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
}

/** Which side of a call sends more than one message. */
export type MethodKind = "unary" | "serverStream" | "clientStream" | "bidiStream";

/** One method: its name on the wire, what it takes and gives. */
export interface MethodDescriptor {
  readonly name: string;
  readonly kind: MethodKind;
  readonly input: Codec;
  readonly output: Codec;
}

/** A service: its full name on the wire (`package.Service`) and its methods by their names in code. */
export interface ServiceDescriptor {
  readonly name: string;
  readonly methods: Readonly<Record<string, MethodDescriptor>>;
}

/** What a codec encodes: for protobufjs the interface in which every field may be left out. */
export type Encodable<C extends Codec> = C extends { encode(message: infer M, ...rest: never[]): unknown }
  ? M
  : never;

/** What a codec decodes to. */
export type Decoded<C extends Codec> = ReturnType<C["decode"]>;

/** The path of a method in messages: `/package.Service/Method`. */
export function methodPath(service: string, method: string): string {
  return `/${service}/${method}`;
}

/** Encodes through a codec of which only the form is known. */
export function encodeWith(codec: Codec, message: unknown): Uint8Array {
  // The typed client and handlers have checked the message; here its type is gone.
  return codec.encode(message as never).finish();
}

/** The messages that come from the other side, in order; fails with the call's StatusError. Read it once. */
export type Incoming<M> = AsyncIterable<M>;

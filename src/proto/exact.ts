/**
 * A message whose 64-bit fields may be bigints, for what is written and must lose no digit: a plain number is
 * exact up to 2^53 alone.
 */
export type Exact<Message> = Message extends number
  ? number | bigint
  : Message extends object
    ? { [Field in keyof Message]: Exact<Message[Field]> }
    : Message;

/** A message class, as far as writing goes. */
interface Encoder<Message> {
  encode(message: Message): { finish(): Uint8Array };
}

/** The bytes of a message with all its digits. A bigint in a field of another type than a 64-bit one is a mistake. */
export function encodeExact<Message>(encoder: Encoder<Message>, message: Exact<Message>): Uint8Array {
  // The generated code hands each field to the writer as it is, and that takes bigints (wire.ts).
  return encoder.encode(message as Message).finish();
}

/**
 * The fields of a protobuf message without its class, for the commands `start` and `delete`, of which each container
 * waits for one and pays for both: the generated code takes 2.7 ms, most of them to load it, which is a fifth of what
 * a command takes (protobuf.dev, "Encoding"). Everything else goes by the classes of messages.
 */

/** The values of each field, in their order: a number's lower 32 bits, or the bytes of whatever has a length. */
export type Fields = ReadonlyMap<number, readonly (number | Uint8Array)[]>;

/** The kinds of values on the wire. */
const Wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** The longest number: 64 bits, seven in a byte. */
const MAX_VARINT_BYTES = 10;

/** Reads a message; throws a plain error where it is none. Values of fixed size are passed over. */
export function readFields(message: Uint8Array): Fields {
  const fields = new Map<number, (number | Uint8Array)[]>();
  const cursor = new Cursor(message);
  while (!cursor.atEnd) {
    const tag = cursor.varint() >>> 0;
    const value = cursor.value(tag & 7);
    const number = tag >>> 3;
    if (number === 0) throw new Error("a field has the number 0");
    if (value === undefined) continue;
    const values = fields.get(number);
    if (values === undefined) fields.set(number, [value]);
    else values.push(value);
  }
  return fields;
}

/**
 * Whether a message has a field more than so many times. Nothing is made of what is read: the classes of messages make
 * an object of each, which for two bytes takes some fifty. Throws a plain error where it is none, or has a group.
 */
export function hasFieldMoreThan(message: Uint8Array, number: number, times: number): boolean {
  // Each takes a tag and a length.
  if (message.length <= 2 * times) return false;
  const cursor = new Cursor(message);
  let left = times;
  while (!cursor.atEnd && left >= 0) {
    const tag = cursor.varint() >>> 0;
    cursor.pass(tag & 7);
    if (tag >>> 3 === number) left -= 1;
  }
  return left < 0;
}

/** The bytes of a field: the last ones, as every reader takes them. */
export function bytesField(fields: Fields, number: number): Uint8Array | undefined {
  return manyBytes(fields, number).at(-1);
}

/** The bytes of each value of a field. */
export function manyBytes(fields: Fields, number: number): Uint8Array[] {
  return (fields.get(number) ?? []).filter((value) => typeof value !== "number");
}

/** A field's text, empty where there is none; throws where it is not UTF-8. */
export function textField(fields: Fields, number: number): string {
  const bytes = bytesField(fields, number);
  if (bytes === undefined) return "";
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const read = text.toString();
  if (read.includes("\ufffd") && !Buffer.from(read).equals(text)) throw new Error("a text is not UTF-8");
  return read;
}

/** A field's number as a signed one of 32 bits; 0 where there is none. */
export function int32Field(fields: Fields, number: number): number {
  return (fields.get(number) ?? []).filter((value) => typeof value === "number").at(-1) ?? 0;
}

/** A message of these fields, in their order: whole numbers from 0 on, and what has a length. */
export function encodeFields(fields: readonly (readonly [number: number, value: number | Uint8Array])[]) {
  const parts = fields.map(([number, value]) =>
    typeof value === "number"
      ? Buffer.from([...varint(number * 8 + Wire.varint), ...varint(value)])
      : Buffer.concat([Buffer.from([...varint(number * 8 + Wire.bytes), ...varint(value.length)]), value]),
  );
  return Buffer.concat(parts);
}

function varint(value: number): number[] {
  const rest = Math.floor(value / 128);
  return rest === 0 ? [value] : [(value % 128) + 128, ...varint(rest)];
}

class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): number {
    let value = 0;
    for (let read = 0; read < MAX_VARINT_BYTES; read++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new Error("a number is cut short");
      if (read < 5) value |= (byte & 0x7f) << (7 * read);
      if (byte < 0x80) return value;
    }
    throw new Error("a number has no end");
  }

  value(wire: number): number | Uint8Array | undefined {
    switch (wire) {
      case Wire.varint:
        return this.varint();
      case Wire.bytes:
        return this.#take(this.varint() >>> 0);
      case Wire.fixed32:
        this.#pass(4);
        return undefined;
      case Wire.fixed64:
        this.#pass(8);
        return undefined;
      default:
        throw new Error(`a value has the unknown kind ${wire}`);
    }
  }

  /** Passes a value over. */
  pass(wire: number): void {
    if (wire === Wire.bytes) this.#pass(this.varint() >>> 0);
    else this.value(wire);
  }

  #take(length: number): Uint8Array {
    const start = this.#at;
    this.#pass(length);
    return this.#bytes.subarray(start, this.#at);
  }

  #pass(length: number): void {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new Error("a value is cut short");
    this.#at = end;
  }
}

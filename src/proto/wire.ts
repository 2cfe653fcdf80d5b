/**
 * What the generated code reads and writes bytes with: protobufjs, with numbers for 64-bit fields.
 *
 * Such a field is a plain number, so no code meets a Long. Numbers up to 2^53 are exact. Above, the nearest
 * double is taken, which is off by less than one part in 10^15 (a CPU time by a nanosecond or two), and
 * writing stops at the ends of the type: the limits that mean "none" (2^63-4096, 2^64-1) come out as they
 * went in. Where every digit counts, an unsigned field can be written from a bigint (exact.ts).
 */
import protobuf from "protobufjs/minimal.js";

/** The two halves of a 64-bit value, as protobufjs takes them for a Long. */
interface Halves {
  readonly low: number;
  readonly high: number;
}

/** What can be written to an unsigned 64-bit field. */
type Unsigned = Halves | number | bigint;

/** The class behind a reader, with what is overridden typed as methods; 64-bit reads return Longs only where that package is found. */
const BaseReader = protobuf.BufferReader as unknown as new (
  bytes: Uint8Array,
) => Omit<protobuf.BufferReader, "int64" | "uint64" | "stringVerify"> & {
  int64(): Halves | number;
  uint64(): Halves | number;
  stringVerify(): string;
};

/** Reads one message. The bytes fields that it returns are views of the bytes it was given, not copies. */
class Reader extends BaseReader {
  static readonly recursionLimit = protobuf.Reader.recursionLimit;

  /** A reader of any bytes; they are not copied. */
  static create(bytes: Uint8Array): Reader {
    return new Reader(
      Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    );
  }

  constructor(bytes: Uint8Array) {
    super(bytes);
    this.discardUnknown = true;
  }

  /**
   * A text, which must be UTF-8. The runtime reads it, and only where that has put something in a wrong byte's place
   * (or read what stands for it) protobufjs looks at each byte: without a JIT it would take 6 µs for a short name.
   */
  override stringVerify(): string {
    const start = this.pos;
    const text = this.string();
    if (!text.includes("\ufffd")) return text;
    this.pos = start;
    return super.stringVerify();
  }

  override int64(): number {
    const value = super.int64();
    return typeof value === "number" ? value : value.high * 2 ** 32 + (value.low >>> 0);
  }

  override uint64(): number {
    const value = super.uint64();
    return typeof value === "number" ? value : (value.high >>> 0) * 2 ** 32 + (value.low >>> 0);
  }
}

/** The class behind a writer, with 64-bit writes typed as what they take. */
const BaseWriter = protobuf.BufferWriter as unknown as new () => Omit<
  protobuf.BufferWriter,
  "int64" | "uint64" | "uint64s"
> & { int64(value: Halves): Writer; uint64(value: Halves): Writer; uint64s(values: Halves[]): Writer };

/** Writes one message. */
class Writer extends BaseWriter {
  static create(): Writer {
    return new Writer();
  }

  override int64(value: Halves | number): Writer {
    return super.int64(typeof value === "number" ? signedHalves(value) : value);
  }

  override uint64(value: Unsigned): Writer {
    return super.uint64(unsignedHalves(value));
  }

  override uint64s(values: readonly Unsigned[]): Writer {
    return super.uint64s(values.map(unsignedHalves));
  }
}

/** The two's complement of a whole number; the nearest value of the type where it is beyond its ends. */
function signedHalves(value: number): Halves {
  if (value >= 2 ** 63) return { low: -1, high: 0x7fff_ffff };
  if (value <= -(2 ** 63)) return { low: 0, high: -0x8000_0000 };
  const whole = Math.trunc(value);
  return { low: (whole % 2 ** 32) | 0, high: Math.floor(whole / 2 ** 32) | 0 };
}

function unsignedHalves(value: Unsigned): Halves {
  if (typeof value === "object") return value;
  if (typeof value === "bigint") return exactHalves(value);
  if (value >= 2 ** 64) return { low: -1, high: -1 };
  if (!(value > 0)) return { low: 0, high: 0 };
  return { low: (Math.trunc(value) % 2 ** 32) | 0, high: Math.trunc(value / 2 ** 32) | 0 };
}

function exactHalves(value: bigint): Halves {
  if (value >= 2n ** 64n) return { low: -1, high: -1 };
  if (value < 0n) return { low: 0, high: 0 };
  return { low: Number(BigInt.asIntN(32, value)), high: Number(BigInt.asIntN(32, value >> 32n)) };
}

/**
 * Puts a class into what holds it when it is first asked for. A shim uses a few of all that there are: making the
 * others would take 1.5 ms of its way to the first answer.
 */
function lazily(holder: object, name: string, make: () => unknown): void {
  const put = (what: PropertyDescriptor) =>
    Object.defineProperty(holder, name, { configurable: true, enumerable: true, ...what });
  put({
    get: () => {
      const value = make();
      put({ value, writable: true });
      return value;
    },
    set: (value) => put({ value, writable: true }),
  });
}

/** The module that the generated code imports in place of protobufjs; `roots` keeps its tree to itself. */
const wire = { Reader, Writer, lazily, util: { ...protobuf.util, Long: undefined }, roots: {} };

// The generated code asks for a default export; nothing else here has one.
export { wire as default };

import { pipeline, Readable, type Transform } from "node:stream";
import { broken } from "./errors.ts";

/** Sends bytes through a decompressor; what it says of them is `dataLoss`, what their source says stays as it is. */
export async function* through(
  bytes: AsyncIterable<Uint8Array>,
  unpacker: Transform,
  format: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    // Whoever reads the other end hears of every error.
    yield* pipeline(Readable.from(bytes), unpacker, () => {});
  } catch (thrown) {
    const isOfUnpacker = thrown instanceof Error && "code" in thrown && /^Z/.test(String(thrown.code));
    throw isOfUnpacker ? broken(`the ${format} data is damaged: ${thrown.message}`) : thrown;
  }
}

import zlib from "node:zlib";
import { ByteReader } from "./byte-reader.ts";
import { through } from "./through.ts";
import { unzstd } from "./zstd.ts";

/** In how large pieces bytes are passed on: each costs a turn of the event loop. */
export const PIECE_BYTES: number = 128 << 10;

type Bytes = AsyncIterable<Uint8Array>;

/**
 * The bytes of a layer as an archive, whatever they are packed by. That is seen by how they begin: what a descriptor
 * says is not always so. Damaged ones are `dataLoss`; zstd without anything to unpack it is `failedPrecondition`.
 */
export async function* decompressed(blob: Bytes): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new ByteReader(blob);
  try {
    const head = await reader.upTo(4);
    yield* unpackerOf(head.toString("hex"))(all(head, reader));
  } finally {
    await reader.close();
  }
}

/** How a zstd frame begins (RFC 8878), and one that is to be skipped, which some layers begin with. */
const ZSTD = /^(28b52ffd|5[0-9a-f]2a4d18)/;

function unpackerOf(magic: string): (bytes: Bytes) => Bytes {
  if (magic.startsWith("1f8b")) return gunzip;
  return ZSTD.test(magic) ? unzstd : (bytes) => bytes;
}

async function* all(head: Buffer, reader: ByteReader): AsyncGenerator<Uint8Array, void, undefined> {
  yield head;
  for (;;) {
    const piece = await reader.some(PIECE_BYTES);
    if (piece === undefined) return;
    yield piece;
  }
}

function gunzip(bytes: Bytes): Bytes {
  return through(bytes, zlib.createGunzip({ chunkSize: PIECE_BYTES }), "gzip");
}

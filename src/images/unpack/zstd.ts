import { spawn } from "node:child_process";
import { Readable, type Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import zlib from "node:zlib";
import { StatusCode, StatusError } from "../../base/status.ts";
import { broken } from "./errors.ts";
import { through } from "./through.ts";

type Bytes = AsyncIterable<Uint8Array>;

/** What newer runtimes have in node:zlib, and the types of the oldest we run on do not know. */
interface ZstdModule {
  createZstdDecompress(): Transform;
  zstdCompressSync(bytes: Buffer): Buffer;
}

/** The bytes of zstd data: by this runtime if it can, else by the program `zstd`. */
export async function* unzstd(bytes: Bytes): AsyncGenerator<Uint8Array, void, undefined> {
  builtin ??= findBuiltin();
  const create = await builtin;
  yield* create === undefined ? byProgram(bytes) : through(bytes, create(), "zstd");
}

let builtin: Promise<(() => Transform) | undefined> | undefined;

/** The runtime's own decompressor, where it reads on after the first frame: that of Node 24 does not, and says nothing. */
async function findBuiltin(): Promise<(() => Transform) | undefined> {
  const module: Partial<ZstdModule> = zlib as object;
  const { createZstdDecompress, zstdCompressSync } = module;
  if (createZstdDecompress === undefined || zstdCompressSync === undefined) return undefined;
  const frame = zstdCompressSync(Buffer.from("frame"));
  const parts: Uint8Array[] = [];
  const two = Buffer.concat([frame, frame]);
  await pipeline(Readable.from([two]), createZstdDecompress(), async (out: Bytes) => {
    for await (const part of out) parts.push(part);
  });
  return Buffer.concat(parts).toString() === "frameframe" ? createZstdDecompress : undefined;
}

async function* byProgram(bytes: Bytes): AsyncGenerator<Uint8Array, void, undefined> {
  const child = spawn("zstd", ["--decompress", "--stdout"], { cwd: "/", stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    if (said === "") said = String(chunk).trim().slice(0, MAX_SAID);
  });
  const ended = new Promise<number | string | null>((resolve, reject) => {
    child.once("error", (err) => reject(cannotRun(err)));
    child.once("close", (status, signal) => resolve(status ?? signal));
  });
  const fed = pipeline(Readable.from(bytes), child.stdin);
  // Both are heard below; until then the output may take as long as it likes.
  for (const promise of [ended, fed]) promise.catch(() => {});
  try {
    yield* child.stdout;
    const ending = await ended;
    if (ending !== 0) throw broken(`the zstd data is damaged: ${said || `zstd ended with ${ending}`}`);
    await fed;
  } finally {
    child.kill("SIGKILL");
  }
}

const MAX_SAID = 200;

function cannotRun(err: Error): StatusError {
  const what = "a layer is packed by zstd, which this runtime cannot unpack; install the program zstd";
  return new StatusError(StatusCode.failedPrecondition, what, { cause: err });
}

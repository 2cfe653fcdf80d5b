import fs from "node:fs";
import { within } from "../../base/deadline.ts";
import { read } from "../../base/descriptors.ts";
import { StatusCode, StatusError } from "../../base/status.ts";

/** How long the caller may take to write its parameters: it has them at hand. */
const STDIN_MS = 10_000;

/**
 * All of stdin, at most `limit` bytes. A terminal or /dev/null counts as empty, so that a person may call
 * the shim by hand. More than the limit, or no end of it within ten seconds, is `invalidArgument`.
 */
export async function readStdin(limit: number): Promise<Uint8Array> {
  const stat = fs.fstatSync(0);
  if (stat.isCharacterDevice()) return new Uint8Array();
  try {
    return await within(readAll(limit), STDIN_MS, "reading stdin");
  } catch (err) {
    if (err instanceof StatusError && err.code === StatusCode.deadlineExceeded) {
      throw new StatusError(StatusCode.invalidArgument, `stdin was not closed within ${STDIN_MS} ms`);
    }
    throw err;
  }
}

async function readAll(limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let total = 0; ; ) {
    const chunk = Buffer.allocUnsafe(64 * 1024);
    const bytesRead = await read(0, chunk, 0, chunk.length);
    if (bytesRead === 0) return Buffer.concat(chunks);
    total += bytesRead;
    if (total > limit) {
      throw new StatusError(StatusCode.invalidArgument, `stdin holds more than ${limit} bytes`);
    }
    chunks.push(chunk.subarray(0, bytesRead));
  }
}

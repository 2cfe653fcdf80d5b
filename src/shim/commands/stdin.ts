import fs from "node:fs";
import { within } from "../../base/deadline.ts";
import { read } from "../../base/file-calls.ts";
import { errnoOf } from "../../base/files.ts";
import { StatusCode, StatusError } from "../../base/status.ts";

/** How long the caller may take to write its parameters: it has them at hand. */
const STDIN_MS = 10_000;

const CHUNK_BYTES = 64 << 10;

/**
 * All of stdin, at most `limit` bytes. A terminal or /dev/null counts as empty, so that a person may call
 * the shim by hand. More than the limit, or no end of it within ten seconds, is `invalidArgument`.
 */
export async function readStdin(limit: number): Promise<Uint8Array> {
  const stat = fs.fstatSync(0);
  if (stat.isCharacterDevice()) return new Uint8Array();
  const text = new Text(limit);
  if (stat.isFIFO() && readWhatIsThere(text)) return text.all();
  try {
    return await within(readRest(text), STDIN_MS, "reading stdin");
  } catch (err) {
    if (err instanceof StatusError && err.code === StatusCode.deadlineExceeded) {
      throw new StatusError(StatusCode.invalidArgument, `stdin was not closed within ${STDIN_MS} ms`);
    }
    throw err;
  }
}

/** What was read so far. */
class Text {
  readonly #limit: number;
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Uint8Array): void {
    this.#length += chunk.length;
    if (this.#length > this.#limit) {
      throw new StatusError(StatusCode.invalidArgument, `stdin holds more than ${this.#limit} bytes`);
    }
    this.#chunks.push(chunk);
  }

  all(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }
}

/**
 * Reads a pipe as far as that needs no waiting; whether that was its end, as it nearly always is: the daemon writes
 * before this program has come so far. A thread that reads takes a millisecond. What is read is gone from the pipe, so
 * that the rest can be read from the descriptor that was inherited.
 */
function readWhatIsThere(text: Text): boolean {
  const fd = openWithoutWaiting();
  if (fd === undefined) return false;
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const bytesRead = fs.readSync(fd, chunk);
      if (bytesRead === 0) return true;
      text.add(chunk.subarray(0, bytesRead));
    }
  } catch (err) {
    if (errnoOf(err) === "EAGAIN") return false;
    throw err;
  } finally {
    fs.closeSync(fd);
  }
}

/** Stdin anew; undefined where it is not ours to open, as somebody else's pipe. */
function openWithoutWaiting(): number | undefined {
  try {
    return fs.openSync("/proc/self/fd/0", fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}

async function readRest(text: Text): Promise<Uint8Array> {
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const bytesRead = await read(0, chunk, 0, chunk.length);
    if (bytesRead === 0) return text.all();
    text.add(chunk.subarray(0, bytesRead));
  }
}

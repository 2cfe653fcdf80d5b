import fs from "node:fs";
import path from "node:path";
import { within } from "../../base/deadline.ts";
import { errnoOf } from "../../base/files.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { fsError } from "../../linux/errno.ts";
import type { Output, OutputStream } from "./output.ts";

const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = fs.constants;
/** As Go's shim makes them. */
const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

/**
 * Opens a file that a process appends its output to by itself; made where it is missing, directories included.
 * `deadlineExceeded` where the file system does not answer within the limit, `invalidArgument` where the path is
 * neither a file nor a character device.
 */
export async function openFileOutput(
  file: string,
  streams: readonly OutputStream[],
  limitMs: number,
): Promise<Output> {
  const opening = openFile(file);
  let child: number;
  try {
    child = await within(opening, limitMs, `opening ${file}`);
  } catch (err) {
    // It may still come to be open.
    opening.then(fs.closeSync, () => {});
    throw err;
  }
  return {
    childFds: Object.fromEntries(streams.map((stream) => [stream, child])),
    finished: async () => {},
    close: async () => {},
  };
}

/** Off the main thread: it waits for the file's disk. */
async function openFile(file: string): Promise<number> {
  try {
    await makeDirectory(path.dirname(file));
    // Non-blocking, as the open of a fifo without a reader would not return; of no effect on a file.
    const fd = await open(file, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK);
    const stat = fs.fstatSync(fd);
    if (stat.isFile() || stat.isCharacterDevice()) return fd;
    fs.closeSync(fd);
  } catch (thrown) {
    throw fsError(`open ${file}`, thrown);
  }
  throw new StatusError(StatusCode.invalidArgument, `${file} is not a file`);
}

async function makeDirectory(dir: string): Promise<void> {
  try {
    await fs.promises.mkdir(dir, { recursive: true, mode: DIRECTORY_MODE });
  } catch (err) {
    // Where it is no directory, the opening says so.
    if (errnoOf(err) !== "EEXIST") throw err;
  }
}

/** A plain descriptor: a FileHandle would be closed when it is collected. */
function open(file: string, flags: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.open(file, flags, FILE_MODE, (err, fd) => (err === null ? resolve(fd) : reject(err)));
  });
}

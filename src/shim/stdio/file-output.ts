import fs from "node:fs";
import path from "node:path";
import { within } from "../../base/deadline.ts";
import { errnoOf } from "../../base/files.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { fsError } from "../../linux/errno.ts";
import type { Output, OutputStream } from "./output.ts";
import { relayOutput } from "./relayed-output.ts";
import type { StdioHost, StdioOwner } from "./stdio.ts";

const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = fs.constants;
/** As Go's shim makes them. */
const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

/**
 * Opens a file that a process's output is appended to; made where it is missing, directories included. The process
 * has a pipe: with the file itself as its stderr it could empty it (`> /dev/stderr` opens it anew), and the runtime
 * would give the file to the container's user. Errors as of {@link openFile}.
 */
export async function openFileOutput(
  host: StdioHost,
  file: string,
  streams: readonly OutputStream[],
  owner: StdioOwner,
): Promise<Output> {
  const fd = await openFile(file, host.settings.stdioOpenMs);
  // Off the main thread, too: some file systems write out what they have.
  const closeFd = (open: number) => fs.close(open, () => {});
  return relayOutput(host, { path: file, fd, closeFd }, streams, owner);
}

/** Opens a file that a terminal's output is appended to by the shim. Errors as of {@link openFile}. */
export async function openTerminalFile(host: StdioHost, file: string): Promise<Output> {
  return {
    childFds: { stdout: await openFile(file, host.settings.stdioOpenMs) },
    finished: async () => {},
    close: async () => {},
  };
}

/**
 * `deadlineExceeded` where the file system does not answer within the limit, `invalidArgument` where the path is
 * neither a file nor a character device.
 */
async function openFile(file: string, limitMs: number): Promise<number> {
  const opening = openToAppend(file);
  try {
    return await within(opening, limitMs, `opening ${file}`);
  } catch (err) {
    // It may still come to be open.
    opening.then(fs.closeSync, () => {});
    throw err;
  }
}

/** Off the main thread: it waits for the file's disk. */
async function openToAppend(file: string): Promise<number> {
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

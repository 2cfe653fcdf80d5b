import fs from "node:fs";
import { within } from "../../base/deadline.ts";
import { open } from "../../base/file-calls.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { fsError } from "../../linux/errno.ts";

/** As Go's shim makes files. */
const FILE_MODE = 0o644;

/**
 * Opens a file or a character device, off the main thread, as it waits for the file's disk. Resolves with a plain
 * descriptor: a FileHandle would be closed when it is collected. `deadlineExceeded` where the file system does not
 * answer within the limit, `invalidArgument` where the path is anything else.
 */
export async function openFile(file: string, flags: number, limitMs: number): Promise<number> {
  const opening = openChecked(file, flags);
  try {
    return await within(opening, limitMs, `opening ${file}`);
  } catch (err) {
    // It may still come to be open.
    opening.then(fs.closeSync, () => {});
    throw err;
  }
}

async function openChecked(file: string, flags: number): Promise<number> {
  let fd: number;
  try {
    // What is a terminal is not to become this process's.
    fd = await open(file, flags | fs.constants.O_NOCTTY, FILE_MODE);
  } catch (thrown) {
    throw fsError(`open ${file}`, thrown);
  }
  const stat = fs.fstatSync(fd);
  if (stat.isFile() || stat.isCharacterDevice()) return fd;
  fs.closeSync(fd);
  throw new StatusError(StatusCode.invalidArgument, `${file} is not a file`);
}

import fs from "node:fs";
import { close, fstat, open, read, readlink } from "../base/file-calls.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { fsError } from "../linux/errno.ts";
import { O_PATH } from "../linux/libc.ts";

/** How many links the kernel follows in one path (path_resolution(7)). */
const MAX_LINKS = 40;
/** Each takes a descriptor; what an image has to be asked for lies much higher. */
const MAX_NAMES = 255;

/**
 * Reads a regular file of a rootfs that nobody vouches for, as a process that has it for its root would: links lead
 * to places inside only, `..` stops at the top. Anything but a regular file is `invalidArgument` and is not opened,
 * as a fifo or a device could block or act; one larger than `maxBytes` is `resourceExhausted`.
 */
export async function readInView(dir: string, file: string, maxBytes: number): Promise<Buffer> {
  const held: number[] = [];
  const hold = async (at: string, flags: number) => {
    const fd = await open(at, flags);
    held.push(fd);
    return fd;
  };
  try {
    const found = await walk(dir, file, hold);
    if (!(await fstat(found)).isFile()) throw refused(`${file} is not a regular file`);
    // By descriptor: this very file, whatever its name means now.
    const fd = await hold(`/proc/self/fd/${found}`, fs.constants.O_RDONLY);
    return await readAll(fd, file, maxBytes);
  } catch (err) {
    throw fsError(`read ${file} of the rootfs`, err);
  } finally {
    await Promise.all(held.map((fd) => close(fd)));
  }
}

type Hold = (at: string, flags: number) => Promise<number>;

/** What a path means below a directory, found name by name: each is opened where the last one led, without following. */
async function walk(dir: string, file: string, hold: Hold): Promise<number> {
  if (file.includes("\0")) throw refused(`${JSON.stringify(file)} holds a zero byte`);
  const ahead = namesOf(file).reverse();
  const way = [await hold(dir, O_PATH | fs.constants.O_DIRECTORY)];
  let links = 0;
  for (let names = 0; ; names += 1) {
    const name = ahead.pop();
    if (name === undefined) return way.at(-1) ?? -1;
    if (names === MAX_NAMES) throw refused(`${file} takes more than ${MAX_NAMES} names to find`);
    if (name === "..") {
      if (way.length > 1) way.pop();
      continue;
    }
    const at = `/proc/self/fd/${way.at(-1)}/${name}`;
    const fd = await hold(at, O_PATH | fs.constants.O_NOFOLLOW);
    if (!(await fstat(fd)).isSymbolicLink()) {
      way.push(fd);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw refused(`${file} leads through more than ${MAX_LINKS} links`);
    const target = await readlink(at);
    if (target.startsWith("/")) way.length = 1;
    ahead.push(...namesOf(target).reverse());
  }
}

function namesOf(file: string): string[] {
  return file.split("/").filter((name) => name !== "" && name !== ".");
}

async function readAll(fd: number, file: string, maxBytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(maxBytes + 1);
  let length = 0;
  while (length <= maxBytes) {
    const bytesRead = await read(fd, buffer, length, buffer.length - length);
    if (bytesRead === 0) return buffer.subarray(0, length);
    length += bytesRead;
  }
  throw new StatusError(StatusCode.resourceExhausted, `${file} has more than ${maxBytes} bytes`);
}

function refused(message: string): StatusError {
  return new StatusError(StatusCode.invalidArgument, message);
}

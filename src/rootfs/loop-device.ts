import fs from "node:fs";
import { close, open } from "../base/file-calls.ts";
import { hasCode, StatusCode, StatusError } from "../base/status.ts";
import { fsError } from "../linux/errno.ts";
import type { Libc } from "../linux/libc.ts";
import { LoopFlag } from "../linux/loop-calls.ts";
import type { LoopOptions } from "./mount-options.ts";

/** Off the main thread: opening a file may wait for its disk, and the last close of a device writes it out. */

const CONTROL = "/dev/loop-control";

/** How often others may be quicker to take the device that was free: more than anybody mounts at once. */
const TRIES = 100;

/**
 * Shows a file as a block device for as long as `use` takes, and as long as what `use` mounts of it stays mounted:
 * the kernel frees the device when nobody has it open any more, whatever becomes of us.
 */
export async function withLoopDevice<T>(
  libc: Libc,
  file: string,
  options: LoopOptions & { readonly signal?: AbortSignal | undefined },
  use: (device: string) => Promise<T>,
): Promise<T> {
  const { readOnly } = options;
  const flags = readOnly ? fs.constants.O_RDONLY : fs.constants.O_RDWR;
  const backing = await openNamed(file, flags);
  const opened: number[] = [backing];
  try {
    const { device, fd } = await attach(libc, { ...options, file, backing, flags });
    opened.push(fd);
    return await use(device);
  } finally {
    for (const fd of opened) await close(fd);
  }
}

interface Attaching extends LoopOptions {
  readonly file: string;
  readonly backing: number;
  readonly flags: number;
  readonly signal?: AbortSignal | undefined;
}

/** Between finding a free device and taking it somebody else may take it: then the next one is tried. */
async function attach(libc: Libc, attaching: Attaching): Promise<{ device: string; fd: number }> {
  const control = await openNamed(CONTROL, fs.constants.O_RDWR);
  try {
    for (let tries = 1; ; tries += 1) {
      attaching.signal?.throwIfAborted();
      const device = `/dev/loop${await libc.loops.getFree(control)}`;
      const fd = await tryAttach(libc, device, attaching);
      if (fd !== undefined) return { device, fd };
      if (tries === TRIES) {
        const message = `attach ${attaching.file} to a loop device: each of ${TRIES} free ones was taken by others`;
        throw new StatusError(StatusCode.unavailable, message);
      }
    }
  } finally {
    await close(control);
  }
}

/** The device, open and showing the file; undefined where somebody else was quicker. */
async function tryAttach(libc: Libc, device: string, attaching: Attaching): Promise<number | undefined> {
  const { backing, file, flags, readOnly, directIo } = attaching;
  const fd = await openNamed(device, flags);
  try {
    const wanted = [readOnly ? LoopFlag.readOnly : 0, directIo ? LoopFlag.directIo : 0, LoopFlag.autoClear];
    const config = { file: backing, name: file, flags: wanted.reduce((all, flag) => all | flag) };
    await libc.loops.configure(fd, config);
    return fd;
  } catch (err) {
    await close(fd);
    if (hasCode(err, StatusCode.failedPrecondition)) return undefined;
    throw err;
  }
}

async function openNamed(file: string, flags: number): Promise<number> {
  return open(file, flags).catch((err: unknown) => {
    throw fsError(`open ${file}`, err);
  });
}

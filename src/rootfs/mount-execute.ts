import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { StatusCode, StatusError } from "../base/status.ts";
import { fsError } from "../linux/errno.ts";
import { type Libc, O_PATH } from "../linux/libc.ts";
import type { MountStep } from "./mount-plan.ts";

const open = promisify(fs.open);
const realpath = promisify(fs.realpath);

/** The most that mount(2) reads of its data: a page, less the closing zero byte. */
export const MAX_DATA_BYTES = 4095;

/** Runs the steps of a plan in order, off the main thread; stops at the first that fails. */
export async function executeMounts(libc: Libc, steps: readonly MountStep[], rootfs: string): Promise<void> {
  for (const step of steps) {
    const target = await resolveTarget(rootfs, step.target);
    const { data, close } = await fitData(step.data);
    try {
      await libc.mount({ source: step.source, target, type: step.type, flags: step.flags, data });
    } catch (err) {
      throw await explain(err, step);
    } finally {
      close();
    }
  }
}

/** The target as the kernel will see it; what is mounted already must not lead it out of the rootfs by a link. */
async function resolveTarget(rootfs: string, target: string): Promise<string> {
  if (target === "" || target === "/") return rootfs;
  const wanted = path.join(rootfs, target);
  const real = await realpath(wanted).catch((err: unknown) => {
    throw fsError(`mount target ${wanted}`, err);
  });
  const top = await realpath(rootfs);
  if (real !== top && !real.startsWith(`${top}/`)) {
    throw new StatusError(
      StatusCode.invalidArgument,
      `mount target ${wanted} leads out of the rootfs, to ${real}`,
    );
  }
  return real;
}

/**
 * The options as the one text that mount(2) takes. Where an overlay has more lower directories than a page of
 * options holds, each is opened and named by its descriptor instead (17 bytes at most, so some 230 directories
 * fit, whatever their paths are). The kernel keeps the directories, not the names.
 */
async function fitData(options: readonly string[]): Promise<{ data: string; close: () => void }> {
  const data = options.join(",");
  if (Buffer.byteLength(data) <= MAX_DATA_BYTES) return { data, close: () => {} };
  const fds: number[] = [];
  const close = () => {
    for (const fd of fds) fs.closeSync(fd);
  };
  try {
    const short = [];
    for (const option of options) short.push(await shortenLowerdir(option, fds));
    const bytes = Buffer.byteLength(short.join(","));
    if (bytes <= MAX_DATA_BYTES) return { data: short.join(","), close };
    const message = `mount options of ${bytes} bytes, of which the kernel reads ${MAX_DATA_BYTES}: too many layers`;
    throw new StatusError(StatusCode.invalidArgument, message);
  } catch (err) {
    close();
    throw err;
  }
}

/** A colon in a directory's name is written as `\:` (kernel documentation, overlayfs). */
const LOWERDIR_SEPARATOR = /(?<!\\):/;

async function shortenLowerdir(option: string, fds: number[]): Promise<string> {
  const prefix = "lowerdir=";
  if (!option.startsWith(prefix)) return option;
  const names: string[] = [];
  for (const dir of option.slice(prefix.length).split(LOWERDIR_SEPARATOR)) {
    const name = dir.replace(/\\(.)/g, "$1");
    const fd = await open(name, O_PATH).catch((err: unknown) => {
      throw fsError(`lower directory ${name}`, err);
    });
    fds.push(fd);
    names.push(`/proc/self/fd/${fd}`);
  }
  return prefix + names.join(":");
}

/** The kernel says little; a directory of the options that is not there is by far the most common cause. */
async function explain(thrown: unknown, step: MountStep): Promise<StatusError> {
  const err = StatusError.from(thrown);
  const missing = (await Promise.all(pathsOf(step).map(isMissing))).find((file) => file !== undefined);
  if (missing === undefined) return err;
  return new StatusError(err.code, `${err.message}: ${missing} does not exist`, { cause: err });
}

function pathsOf({ source, type, data }: MountStep): string[] {
  if (type !== "overlay") return source.startsWith("/") ? [source] : [];
  return data.flatMap((option) => {
    const [name = "", value = ""] = option.split(/=(.*)/s);
    if (name === "lowerdir") return value.split(LOWERDIR_SEPARATOR).map((dir) => dir.replace(/\\(.)/g, "$1"));
    return name === "upperdir" || name === "workdir" ? [value] : [];
  });
}

async function isMissing(file: string): Promise<string | undefined> {
  return fs.promises.stat(file).then(
    () => undefined,
    (err: NodeJS.ErrnoException) => (err.code === "ENOENT" ? file : undefined),
  );
}

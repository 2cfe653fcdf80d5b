import path from "node:path";
import { exactStat, readText } from "../base/file-calls.ts";
import { type MountInfo, unescapeOctal } from "../linux/mountinfo.ts";
import { lowerDirsOf, unescapeName } from "./lower-dirs.ts";
import type { MountSpec } from "./mount-plan.ts";

/**
 * What a mount is, as far as its release goes:
 * - `overlay`: a writable one; its last reference syncs the file system of its upper directory;
 * - `shared`: of a file system that stays mounted elsewhere (a bind), or that has nothing to write (a read-only
 *   overlay); its release ends at once;
 * - `block`: the only mount of a block device, which is free for others when the release has ended;
 * - `other`: anything else; nobody knows what its release may bring.
 */
export const BACKING_KINDS = ["overlay", "shared", "block", "other"] as const;

/** One of {@link BACKING_KINDS}. */
export type BackingKind = (typeof BACKING_KINDS)[number];

/** What is below a mount. */
export interface Backing {
  readonly kind: BackingKind;
  /** The upper directory, the device, or what else the mount was made of: for people to read. */
  readonly source: string;
  /** Tells whether two mounts are of the same thing, whatever name it goes by; undefined for what may be shared. */
  readonly key: string | undefined;
  /** `major:minor` of the file system that is written to; empty where that is not known. */
  readonly device: string;
}

/** What is below a mount that is in the tree. `others` are the mounts of the namespace that do not go with it. */
export async function backingOf(mount: MountInfo, others: readonly MountInfo[]): Promise<Backing> {
  if (mount.type === "overlay") {
    const upper = upperOf(overlayOptions(mount));
    if (upper === undefined) return { kind: "shared", source: mount.source, key: undefined, device: "" };
    return { kind: "overlay", source: upper, ...(await identify(upper)) };
  }
  const elsewhere = others.some(({ id, device }) => device === mount.device && id !== mount.id);
  if (elsewhere) return { kind: "shared", source: mount.source, key: undefined, device: mount.device };
  const { key, isBlock } = await identifySource(mount.source);
  return { kind: isBlock ? "block" : "other", source: mount.source, key, device: mount.device };
}

/** The keys of what mounts are made of that must not be mounted twice: upper directories and devices. */
export async function keysOf(mounts: readonly MountSpec[]): Promise<string[]> {
  const keys = await Promise.all(mounts.map(keyOf));
  return keys.filter((key) => key !== undefined);
}

async function keyOf({ type, source, options }: MountSpec): Promise<string | undefined> {
  if (type === "overlay") {
    const upper = upperOf(options);
    return upper === undefined ? undefined : (await identify(upper)).key;
  }
  return isBind(options) ? undefined : (await identifySource(source)).key;
}

/** Whether options of a mount ask for a bind of what is there. */
export function isBind(options: readonly string[]): boolean {
  return options.some((option) => option === "bind" || option === "rbind");
}

/** The options of a mounted overlay as a list, in the form that mount(2) took them; none for any other type. */
export function overlayOptions({ type, superOptions }: MountInfo): string[] {
  return type === "overlay" ? superOptions.split(",").map(unescapeOctal) : [];
}

/** The upper directory that an overlay's options name; undefined for one that cannot be written to. */
export function upperOf(options: readonly string[]): string | undefined {
  return directoryOf("upperdir", options);
}

/** The work directory that an overlay's options name. */
export function workOf(options: readonly string[]): string | undefined {
  return directoryOf("workdir", options);
}

/** The lower directories that an overlay's options name, uppermost first. */
export function lowersOf(options: readonly string[]): string[] {
  return options.flatMap((option) => lowerDirsOf(option) ?? []);
}

function directoryOf(name: string, options: readonly string[]): string | undefined {
  const option = options.findLast((word) => word.startsWith(`${name}=`));
  return option === undefined ? undefined : unescapeName(option.slice(name.length + 1));
}

/** A directory by its number, which stays while any mount holds it, whatever becomes of its names. */
async function identify(dir: string): Promise<{ key: string; device: string }> {
  const found = await statOf(dir);
  if (found === undefined) return { key: `path ${path.resolve(dir)}`, device: "" };
  return { key: `file ${found.dev}:${found.ino}`, device: deviceName(found.dev) };
}

/** A block device by its number, or by the file that it loops to; another path by its own. */
async function identifySource(source: string): Promise<{ key: string | undefined; isBlock: boolean }> {
  if (!source.startsWith("/")) return { key: undefined, isBlock: false };
  const found = await statOf(source);
  if (found === undefined) return { key: `path ${source}`, isBlock: false };
  if (!found.isBlockDevice()) return { key: `file ${found.dev}:${found.ino}`, isBlock: false };
  const device = deviceName(found.rdev);
  const file = await readText(`/sys/dev/block/${device}/loop/backing_file`).catch(() => undefined);
  const looped = file === undefined ? undefined : await statOf(file.trimEnd());
  const key = looped === undefined ? `device ${device}` : `file ${looped.dev}:${looped.ino}`;
  return { key, isBlock: true };
}

function statOf(file: string) {
  return exactStat(file).catch(() => undefined);
}

/** A device number of stat(2) as `major:minor` (makedev(3)). */
export function deviceName(number: bigint): string {
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn);
  const minor = (number & 0xffn) | ((number >> 12n) & ~0xffn);
  return `${major}:${minor & 0xffffffffn}`;
}

import fs from "node:fs";
import path from "node:path";
import { abortable } from "../base/deadline.ts";
import { close, open, read, readdir, readlink, readText } from "../base/file-calls.ts";
import { type MountInfo, parseLinesWith } from "./mountinfo.ts";

/** A mount namespace in which a file system is mounted. */
export interface MountHolder {
  /** The inode of the namespace, as `ls -l /proc/PID/ns/mnt` shows it. */
  readonly namespace: number;
  /** The first of the processes in it, ascending. */
  readonly pids: readonly number[];
  /** How many processes there are in it. */
  readonly processes: number;
  readonly mountPoints: readonly string[];
}

/** Who has a file system mounted, as far as it could be seen. */
export interface MountHolders {
  /** By namespace, ascending. */
  readonly holders: readonly MountHolder[];
  /** How many processes there are of whose namespace nothing is known, for want of permission. */
  readonly unknown: number;
}

/** How to look. */
export interface MountHolderOptions {
  /** Ends the search; the error is its reason, as half an answer would pass for a whole one. */
  readonly signal?: AbortSignal;
  /** Namespaces that are not of interest, such as {@link ownMountNamespace}. */
  readonly exclude?: ReadonlySet<number>;
  /** How many pids of a namespace to name; 10 where it is missing. */
  readonly maxPids?: number;
  /** Where proc is mounted; `/proc` where it is missing. */
  readonly proc?: string;
}

/**
 * How many links of processes are read before others have a turn, half a millisecond. The kernel knows what they say
 * and waits for nothing; a thread that reads one takes eight times as long of the processor.
 */
const AT_ONCE = 64;

/** The mount namespace that this process is in. */
export function ownMountNamespace(): number {
  return fs.statSync("/proc/self/ns/mnt").ino;
}

/**
 * Tells in which mount namespaces of this host the file system with a device number (`major:minor`; an overlay has
 * one of its own) is mounted. It reads a link per process, and one table of mounts per namespace, off the main
 * thread: that may wait for whoever mounts something. Processes that end meanwhile are left out.
 *
 * It does not find who holds a mount that is in no namespace's tree any more, by an open file, a directory it works
 * in or a mapping: that takes a look at each descriptor of each process. Nor does it find a namespace that no
 * process's first thread is in.
 */
export async function findMountHolders(
  device: string,
  options: MountHolderOptions = {},
): Promise<MountHolders> {
  const { byDevice, unknown } = await findAllMountHolders([device], options);
  return { holders: byDevice.get(device) ?? [], unknown };
}

/** The same for several devices in one search. A device that nobody has mounted is not in the map. */
export async function findAllMountHolders(
  devices: readonly string[],
  options: MountHolderOptions = {},
): Promise<{ readonly byDevice: ReadonlyMap<string, readonly MountHolder[]>; readonly unknown: number }> {
  const { signal = new AbortController().signal, exclude, maxPids = 10, proc = "/proc" } = options;
  const { namespaces, denied } = await abortable(groupByNamespace({ proc, signal }), signal);
  const byDevice = new Map<string, MountHolder[]>();
  const strangers = strangersAmong(denied, [...namespaces.values()], { proc, signal });
  let unknown = await abortable(strangers, signal);
  for (const [namespace, pids] of [...namespaces].sort(([a], [b]) => a - b)) {
    if (exclude?.has(namespace)) continue;
    const mounts = await abortable(mountsOf(pids, new Set(devices), { proc, signal }), signal);
    if (mounts === "denied") unknown += pids.length;
    if (mounts === "denied" || mounts === "gone") continue;
    for (const [device, mountPoints] of pointsByDevice(mounts)) {
      const holder = { namespace, pids: pids.slice(0, maxPids), processes: pids.length, mountPoints };
      byDevice.set(device, [...(byDevice.get(device) ?? []), holder]);
    }
  }
  return { byDevice, unknown };
}

function pointsByDevice(mounts: readonly MountInfo[]): Map<string, string[]> {
  const points = new Map<string, string[]>();
  for (const { device, mountPoint } of mounts)
    points.set(device, [...(points.get(device) ?? []), mountPoint]);
  return points;
}

/** Why something of a process could not be read. */
type Unread = "gone" | "denied";

/** Where to look, and until when. */
interface Where {
  readonly proc: string;
  readonly signal: AbortSignal;
}

/** The pids of all processes, ascending, by the mount namespace they are in. */
async function groupByNamespace({ proc, signal }: Where) {
  const namespaces = new Map<number, number[]>();
  const denied: number[] = [];
  const pids = (await readdir(proc)).map(Number).filter((pid) => pid > 0);
  pids.sort((a, b) => a - b);
  for (const [index, pid] of pids.entries()) {
    if (index % AT_ONCE === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
    }
    const namespace = namespaceOf(`${proc}/${pid}`);
    if (namespace === "denied") denied.push(pid);
    else if (namespace !== "gone") {
      const known = namespaces.get(namespace);
      if (known === undefined) namespaces.set(namespace, [pid]);
      else known.push(pid);
    }
  }
  return { namespaces, denied };
}

/** The link reads `mnt:[4026531841]` (namespaces(7)). */
function namespaceOf(dir: string): number | Unread {
  try {
    const link = fs.readlinkSync(`${dir}/ns/mnt`);
    const inode = link.startsWith("mnt:[") ? Number(link.slice("mnt:[".length, -1)) : Number.NaN;
    return Number.isNaN(inode) ? "gone" : inode;
  } catch (err) {
    return unread(err as NodeJS.ErrnoException);
  }
}

/**
 * How many of the processes whose namespace we may not ask for are in none that we know of. Their table of mounts is
 * open to all, and a mount has its number in one namespace only: the first of the table tells. The first process of
 * a host is such a one where we run with a capability less.
 */
async function strangersAmong(
  denied: readonly number[],
  known: readonly (readonly number[])[],
  { proc, signal }: Where,
): Promise<number> {
  if (denied.length === 0) return 0;
  const numbers = new Set<string>();
  for (const [pid = 0] of known) numbers.add(await firstMountOf(path.join(proc, String(pid))));
  numbers.delete("");
  let strangers = 0;
  for (const pid of denied) {
    signal.throwIfAborted();
    if (!numbers.has(await firstMountOf(path.join(proc, String(pid))))) strangers += 1;
  }
  return strangers;
}

/** The number of the first mount that a process sees; empty where that cannot be read. */
async function firstMountOf(dir: string): Promise<string> {
  const fd = await open(path.join(dir, "mountinfo"), fs.constants.O_RDONLY).catch(() => undefined);
  if (fd === undefined) return "";
  try {
    const buffer = Buffer.alloc(32);
    const bytesRead = await read(fd, buffer, 0, buffer.length);
    return buffer.toString("latin1", 0, bytesRead).split(" ", 1)[0] ?? "";
  } catch {
    return "";
  } finally {
    await close(fd);
  }
}

/** The mounts of these devices in the namespace of these processes, by the first that can tell. */
async function mountsOf(
  pids: readonly number[],
  devices: ReadonlySet<string>,
  { proc, signal }: Where,
): Promise<MountInfo[] | Unread> {
  let why: Unread = "gone";
  for (const pid of await wholeViewFirst(pids, { proc, signal })) {
    signal.throwIfAborted();
    const text = await readText(path.join(proc, String(pid), "mountinfo")).catch(unread);
    if (text === "denied") why = text;
    else if (text !== "gone") return [...devices].flatMap((device) => mountsOfDevice(device, text));
  }
  return why;
}

/** A process sees the mounts below its root only: one that is not in a chroot, where there is one, comes first. */
async function wholeViewFirst(pids: readonly number[], { proc, signal }: Where): Promise<readonly number[]> {
  for (const pid of pids) {
    signal.throwIfAborted();
    const root = await readlink(path.join(proc, String(pid), "root")).catch(unread);
    if (root === "/") return [pid, ...pids.filter((other) => other !== pid)];
  }
  return pids;
}

function mountsOfDevice(device: string, text: string): MountInfo[] {
  return parseLinesWith(` ${device} `, text).filter((mount) => mount.device === device);
}

/** A process can end between any two looks; what else there is to fail is permission. */
function unread(err: NodeJS.ErrnoException): Unread {
  return err.code === "EACCES" || err.code === "EPERM" ? "denied" : "gone";
}

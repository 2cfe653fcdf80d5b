/**
 * What containers leave on a machine: processes, mounts, sockets, pipes, directories, cgroups. Everything is
 * looked for within a {@link Scope}, so that what others do on the same machine is no part of it.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  type Stats,
} from "node:fs";
import path from "node:path";
import { PendingReleases } from "../src/rootfs/pending.ts";
import { command } from "./command.ts";
import { standsBy } from "./stands-by.ts";
import { until } from "./until.ts";

/** What belongs to one containerd. */
export interface Scope {
  /** Its directories: whatever names one of them belongs to it. */
  readonly roots: readonly string[];
  readonly address: string;
  /** The namespace, and the parent of the cgroups, of its containers: nobody else on the machine uses it. */
  readonly namespace: string;
  /**
   * The namespace of its containers where it is another one that others may use as well, as every containerd's
   * CRI has the same: nothing counts as the scope's for being in that one.
   */
  readonly sharedNamespace?: string | undefined;
  /** The containers whose sockets and pipes are looked for by name. */
  readonly ids: readonly string[];
  /** When the scope began, in clock ticks since boot: no process that started earlier belongs to it. */
  readonly since?: number;
}

const SOCKET_DIR = "/run/containerd/s";
const FIFO_DIR = "/run/containerd/fifo";
const RUNC_DIR = "/run/containerd/runc";
const CGROUP_DIR = "/sys/fs/cgroup";
/** Where our shims keep what they share on a host, unless they are told otherwise. */
const RUN_DIR = "/run/ebb";

/** Where the shim of a container listens, by the rule that containerd's shims share. */
export function shimSocketPath({ address, namespace, sharedNamespace }: Scope, id: string): string {
  const name = createHash("sha256")
    .update(path.join(address, sharedNamespace ?? namespace, id))
    .digest("hex");
  return path.join(SOCKET_DIR, name);
}

/** Everything of the scope that is there now, one line each, sorted. */
export function snapshotLeftovers(scope: Scope): string[] {
  return [
    ...processes(scope)
      .filter(({ pid }) => !standsBy(pid))
      .map(({ pid, comm, args }) => `process ${pid} ${comm}: ${args}`),
    ...mounts(scope).map((point) => `mount ${point}`),
    ...scope.ids
      .map((id) => shimSocketPath(scope, id))
      .filter(existsSync)
      .map((file) => `socket ${file}`),
    ...fifos(scope).map((file) => `pipe ${file}`),
    ...runcStates(scope).map((directory) => `runc state ${path.basename(directory)}`),
    ...cgroups(scope).map((directory) => `cgroup ${directory}`),
    ...ownDirectories(scope).map((directory) => `directory ${directory}`),
  ].sort();
}

/** What is there after, and was not there before. */
export function newLeftovers(before: readonly string[], after: readonly string[]): string[] {
  const known = new Set(before);
  return after.filter((line) => !known.has(line));
}

/**
 * Waits a little for what ends by itself (a shim takes a moment to exit after its last answer), and returns
 * what is still new then; empty where nothing was left but what `excused` says yes to.
 */
export async function settledLeftovers(
  scope: Scope,
  before: readonly string[],
  excused: (line: string) => boolean = () => false,
): Promise<string[]> {
  let left: string[] = [];
  const nothingLeft = () => {
    left = newLeftovers(before, snapshotLeftovers(scope)).filter((line) => !excused(line));
    return left.length === 0 ? true : undefined;
  };
  // Who waited in vain is told what is left, not that time has passed.
  await until("leftovers to go", nothingLeft, 5_000).catch(() => {});
  return left;
}

/** Ends all processes of the scope but the caller's own, unmounts its mounts and removes its files. */
export async function stopEverything(scope: Scope): Promise<void> {
  await until("the processes of the scope to end", () => {
    const left = processes(scope);
    for (const { pid } of left) killIfThere(pid);
    // A process that syncs a disk takes no signal until it is done; it ends by itself.
    return left.every(({ state }) => state === "D") ? true : undefined;
  });
  // The deepest first, and those that were mounted over others first.
  for (const point of mounts(scope).reverse()) await command("umount", ["--lazy", point]);
  for (const id of scope.ids) rmSync(shimSocketPath(scope, id), { force: true });
  for (const directory of new Set(fifos(scope).map(path.dirname))) rmSync(directory, { recursive: true });
  for (const directory of runcStates(scope)) rmSync(directory, { recursive: true, force: true });
  rmSync(path.join(RUNC_DIR, scope.namespace), { recursive: true, force: true });
  for (const directory of cgroups(scope)) removeCgroup(directory);
  for (const parent of cgroupParents(scope)) removeCgroup(parent);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function removeCgroup(directory: string): void {
  for (const name of subdirectories(directory)) removeCgroup(path.join(directory, name));
  try {
    rmdirSync(directory);
  } catch {
    // Still in use by a process that is about to end; the next to come by removes it.
  }
}

interface ProcessLine {
  readonly pid: number;
  readonly parent: number;
  readonly comm: string;
  readonly state: string;
  readonly args: string;
}

/**
 * The processes of the scope, zombies apart: shims, runtimes, helpers, and what runs in containers. A helper that
 * releases a mount bears no mark of its own: it is told by its parent, a shim of the scope, or once that is gone
 * by what the shim has written down about it.
 */
export function processes(scope: Scope): ProcessLine[] {
  const all = allProcesses(scope.since ?? 0);
  const marked = all.filter((one) => isMarked(one, scope));
  const shims = new Set(marked.map(({ pid }) => pid));
  const orphans = releasePids(scope);
  const isHelper = ({ pid, parent }: ProcessLine) => orphans.has(pid) || shims.has(parent);
  return all.filter((one) => marked.includes(one) || (isReleaseHelper(one) && isHelper(one)));
}

function isReleaseHelper({ pid, comm }: ProcessLine): boolean {
  return (comm === "sh" || comm === "flock") && readOr(`/proc/${pid}/environ`) === "";
}

/** The helpers that still hold a mount of the scope. */
function releasePids({ roots }: Scope): Set<number> {
  const releases = new PendingReleases(RUN_DIR).list();
  const ours = releases.filter(({ mountPoint }) => roots.some((root) => mountPoint.startsWith(`${root}/`)));
  return new Set(ours.map(({ helper }) => helper.pid));
}

function isMarked({ pid }: ProcessLine, scope: Scope): boolean {
  const directory = path.join("/proc", String(pid));
  const marks = [...scope.roots, scope.address, `-namespace\0${scope.namespace}\0`];
  const texts = [
    readOr(path.join(directory, "cmdline")),
    readOr(path.join(directory, "environ")),
    linkOr(path.join(directory, "cwd")),
  ];
  const inCgroup = readOr(path.join(directory, "cgroup")).includes(`:/${scope.namespace}/`);
  return inCgroup || texts.some((text) => marks.some((mark) => text.includes(mark)));
}

/** All processes but this one, zombies, and the daemon and its client, which are no leftovers. */
function allProcesses(since: number): ProcessLine[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      const stat = /\((.*)\) (\S) (\d+)((?: \S+){18})/s.exec(readOr(`/proc/${name}/stat`));
      const [, comm = "", state = "", parent = "", more = ""] = stat ?? [];
      const startTime = Number(more.slice(more.lastIndexOf(" ")));
      if (["", "Z", "X"].includes(state) || comm === "containerd" || comm === "ctr") return [];
      if (startTime < since) return [];
      const args = readOr(`/proc/${name}/cmdline`).replaceAll("\0", " ").trim();
      return [{ pid: Number(name), parent: Number(parent), comm, state, args }];
    });
}

/** Mount points of the scope, in the order of mounting. */
function mounts({ roots }: Scope): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((point) => roots.some((root) => point.startsWith(`${root}/`)));
}

function fifos({ ids }: Scope): string[] {
  return namesIn(FIFO_DIR).flatMap((group) =>
    namesIn(path.join(FIFO_DIR, group))
      .filter((name) => ids.some((id) => name.startsWith(`${id}-std`)))
      .map((name) => path.join(FIFO_DIR, group, name)),
  );
}

/** What runc knows of containers: all of a namespace of our own, those with our ids of one that is shared. */
function runcStates({ namespace, sharedNamespace, ids }: Scope): string[] {
  const parent = path.join(RUNC_DIR, sharedNamespace ?? namespace);
  return namesIn(parent)
    .filter((name) => sharedNamespace === undefined || ids.includes(name))
    .map((name) => path.join(parent, name));
}

/** Where containers of the namespace have their groups: once on cgroup v2, once a hierarchy on v1. */
function cgroupParents({ namespace }: Scope): string[] {
  return [CGROUP_DIR, ...namesIn(CGROUP_DIR).map((name) => path.join(CGROUP_DIR, name))]
    .map((hierarchy) => path.join(hierarchy, namespace))
    .filter(existsSync);
}

function cgroups(scope: Scope): string[] {
  return cgroupParents(scope).flatMap((parent) =>
    subdirectories(parent).map((name) => path.join(parent, name)),
  );
}

/** Directories of the scope; those that containerd makes once for a namespace stay and do not count. */
function ownDirectories({ roots, namespace, sharedNamespace }: Scope): string[] {
  const all = new Set(roots.flatMap((root) => directories(root, 6)));
  return [...all].filter((directory) => ![namespace, sharedNamespace].includes(path.basename(directory)));
}

/** Directories below one, down to a depth, without what is mounted there. */
function directories(root: string, depth: number): string[] {
  if (depth === 0) return [];
  return subdirectories(root).flatMap((name) => {
    const directory = path.join(root, name);
    return [directory, ...directories(directory, depth - 1)];
  });
}

/** Names of the directories in one that are on its own file system. */
function subdirectories(directory: string): string[] {
  return namesIn(directory).filter((name) => {
    const status = statusOf(path.join(directory, name));
    return status?.isDirectory() === true && status.dev === statusOf(directory)?.dev;
  });
}

function statusOf(file: string): Stats | undefined {
  return lstatSync(file, { throwIfNoEntry: false });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function readOr(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function linkOr(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return "";
  }
}

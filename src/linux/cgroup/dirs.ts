import fs from "node:fs";
import path from "node:path";
import { rmdir } from "../../base/file-calls.ts";
import { errnoOf } from "../../base/files.ts";
import { escapeOctal, parseLinesWith, readMountTable } from "../mountinfo.ts";

/** Where the file systems of control groups are mounted (cgroups(7)). */
export const CGROUP_ROOT = "/sys/fs/cgroup";

/** Directories by the names of v1 controllers; one that is not there has no group of the process's own. */
export type V1Dirs = Readonly<Record<string, string>>;

/** The control groups of a process: one directory on v2, one for each controller on v1. */
export type CgroupDirs =
  | { readonly version: 2; readonly unified: string }
  | { readonly version: 1; readonly controllers: V1Dirs };

/**
 * The control groups that a process is in, or undefined where it is gone or in none of its own. A host that has v1
 * controllers and a v2 tree beside them is one of v1. Source: cgroups(7), `/proc/[pid]/cgroup`.
 */
export function cgroupDirsOf(pid: number): CgroupDirs | undefined {
  return parseCgroupDirs(readNow(`/proc/${pid}/cgroup`) ?? "", dirFinder(CGROUP_ROOT, readMountTable));
}

/** Finds the directory of a group in a hierarchy, of which the v2 one has no name; undefined where it is not there. */
type FindDir = (controller: string, group: string) => string | undefined;

/** The same from the text of `/proc/[pid]/cgroup`. */
export function parseCgroupDirs(text: string, find: FindDir): CgroupDirs | undefined {
  const own = groupsOf(text).filter(({ path: group }) => group !== "/" && !group.startsWith("/.."));
  const found = own.flatMap(({ name, path: group }) => {
    const dir = name === "" || name.startsWith("name=") ? undefined : find(name, group);
    return dir === undefined ? [] : [[name, dir] as const];
  });
  if (found.length > 0) return { version: 1, controllers: Object.fromEntries(found) };
  const unified = own.find(({ hierarchy }) => hierarchy === "0");
  const dir = unified && find("", unified.path);
  return dir === undefined ? undefined : { version: 2, unified: dir };
}

/** One line of `/proc/[pid]/cgroup`, or one of the controllers that share it. */
export interface Group {
  readonly hierarchy: string;
  /** The controller; that of v2 is empty. */
  readonly name: string;
  /** Where the process is in the hierarchy, from where that begins for us. */
  readonly path: string;
}

/** The groups that a process is in, in the order of the text of `/proc/[pid]/cgroup`. */
export function groupsOf(text: string): Group[] {
  const groups = text.split("\n").flatMap((line) => {
    const [hierarchy = "", names = "", ...group] = line.split(":");
    return names.split(",").map((name) => ({ hierarchy, name, path: group.join(":") }));
  });
  return groups.filter(({ path: group }) => group !== "");
}

/**
 * Finds directories below the hierarchies that are mounted in a directory. The table of mounts, which may be long, is
 * read only where a group is not at its path.
 */
export function dirFinder(root: string, readTable: () => string): FindDir {
  let table: string | undefined;
  return (controller, group) => {
    const hierarchy = path.join(root, controller);
    const dir = existing(hierarchy, group);
    if (dir !== undefined || !fs.existsSync(hierarchy)) return dir;
    table ??= readTable();
    const part = fromMountOn(fs.realpathSync(hierarchy), group, table);
    return part && existing(hierarchy, part);
  };
}

/**
 * A group's path from where the mount on a directory begins: of a hierarchy there may be only a part, as in a container
 * that has no cgroup namespace of its own. Undefined where it is not below that part, or all is mounted.
 */
function fromMountOn(mountPoint: string, group: string, table: string): string | undefined {
  const mounts = parseLinesWith(` ${escapeOctal(mountPoint)} `, table);
  const mount = mounts.findLast((each) => each.mountPoint === mountPoint && each.type.startsWith("cgroup"));
  return mount !== undefined && group.startsWith(`${mount.root}/`)
    ? group.slice(mount.root.length)
    : undefined;
}

function existing(hierarchy: string, group: string): string | undefined {
  const dir = path.join(hierarchy, group);
  return fs.existsSync(path.join(dir, "cgroup.procs")) ? dir : undefined;
}

/** A file's text, read on the spot; undefined where it cannot be read. For files that take no time to make up. */
export function readNow(file: string): string | undefined {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/**
 * Removes a group's directory, where it is still there. Off the main thread: the kernel has one lock for all changes of
 * control groups.
 */
export async function removeGroup(dir: string): Promise<void> {
  try {
    await rmdir(dir);
  } catch (err) {
    if (errnoOf(err) !== "ENOENT") throw err;
  }
}

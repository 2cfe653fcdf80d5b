import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";

/** Where this machine limits how fast a device is written. */
export interface WriteLimit {
  /**
   * The cgroup in which writers must run to be limited, below the root of cgroup v2; undefined where all are
   * limited. On v1 the rule is in the root's blkio group, which carries every write of the page cache. On v2
   * the root takes no rule, and the kernel charges writes of the page cache to the group that made the pages.
   */
  readonly cgroup: string | undefined;
  /** The program and its arguments in such a form that what it writes is limited. */
  wrap(file: string, args: readonly string[]): [string, string[]];
  /** Sets the rule for a device ("7:0"); replaces an earlier one. */
  set(device: string, bytesPerSecond: number): void;
  /** Whether there is a rule for a device. */
  isSet(device: string): boolean;
  /** Drops the rule; writes that wait go on at once. Does nothing where there is none. */
  clear(device: string): void;
  /** Removes what was made for the rule. */
  dispose(): void;
}

interface CgroupMounts {
  readonly blkio: string | undefined;
  readonly unified: string | undefined;
}

/** Reads where blkio (v1) and the unified tree (v2) are mounted, from the text of mountinfo. */
export function findCgroupMounts(mountinfo: string): CgroupMounts {
  const mounts = mountinfo.split("\n").flatMap((line) => {
    const [left = "", right = ""] = line.split(" - ");
    const [type = "", , superOptions = ""] = right.split(" ");
    const [, , , root, point] = left.split(" ");
    // In a container, what is mounted may be a group below the root: rules there reach none of the page cache.
    return root === "/" && point !== undefined ? [{ type, point, options: superOptions.split(",") }] : [];
  });
  return {
    blkio: mounts.find(({ type, options }) => type === "cgroup" && options.includes("blkio"))?.point,
    unified: mounts.find(({ type }) => type === "cgroup2")?.point,
  };
}

const V1_RULE = "blkio.throttle.write_bps_device";

function v1Limit(rule: string): WriteLimit {
  return {
    cgroup: undefined,
    wrap: (file, args) => [file, [...args]],
    set: (device, bytesPerSecond) => writeFileSync(rule, `${device} ${bytesPerSecond}`),
    isSet: (device) => hasLine(rule, `${device} `),
    clear: (device) => writeFileSync(rule, `${device} 0`),
    dispose: () => {},
  };
}

function v2Limit(root: string, name: string): WriteLimit {
  const directory = path.join(root, name);
  const rule = path.join(directory, "io.max");
  const writers = path.join(directory, "writers");
  return {
    cgroup: name,
    wrap: (file, args) => {
      makeGroup(root, directory);
      mkdirSync(writers, { recursive: true });
      return ["sh", ["-c", 'echo $$ > "$0" && exec "$@"', path.join(writers, "cgroup.procs"), file, ...args]];
    },
    set: (device, bytesPerSecond) => {
      makeGroup(root, directory);
      writeFileSync(rule, `${device} wbps=${bytesPerSecond}`);
    },
    isSet: (device) => hasLine(rule, `${device} `),
    clear: (device) => {
      if (existsSync(directory)) writeFileSync(rule, `${device} wbps=max`);
    },
    dispose: () => {
      for (const group of [writers, directory]) if (existsSync(group)) rmdirSync(group);
    },
  };
}

function makeGroup(root: string, directory: string): void {
  mkdirSync(directory, { recursive: true });
  // Page cache is charged to a group only where memory is accounted as well.
  writeFileSync(path.join(root, "cgroup.subtree_control"), "+io +memory");
  writeFileSync(path.join(directory, "cgroup.subtree_control"), "+io +memory");
}

function hasLine(file: string, start: string): boolean {
  if (!existsSync(file)) return false;
  return readFileSync(file, "utf8")
    .split("\n")
    .some((line) => line.startsWith(start));
}

/** What {@link findWriteLimit} says where nothing can be limited. */
export interface NoWriteLimit {
  readonly reason: string;
}

/**
 * Finds how writes are limited here, or says why they cannot be. `name` is the group that is made for the first
 * rule or writer where the machine has cgroup v2.
 */
export function findWriteLimit(
  name: string,
  mountinfoFile = "/proc/self/mountinfo",
): WriteLimit | NoWriteLimit {
  const { blkio, unified } = findCgroupMounts(readFileSync(mountinfoFile, "utf8"));
  const rule = path.join(blkio ?? "/nonexistent", V1_RULE);
  if (isWritable(rule)) return v1Limit(rule);
  const controllers = path.join(unified ?? "/nonexistent", "cgroup.controllers");
  const available = existsSync(controllers) ? readFileSync(controllers, "utf8").trim().split(" ") : [];
  if (unified !== undefined && available.includes("io") && available.includes("memory")) {
    return v2Limit(unified, name);
  }
  return {
    reason: `no ${V1_RULE} in a blkio group (cgroup v1) and no io and memory controllers in cgroup v2`,
  };
}

function isWritable(file: string): boolean {
  try {
    accessSync(file, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

import { MountFlag } from "../linux/libc.ts";
import { escapeOctal, type MountInfo, parseLinesWith, parseMountInfo } from "../linux/mountinfo.ts";

/** Each mount inside takes three searches of the file; with more than so many it is quicker to parse all of it. */
const FEW = 4;

/**
 * Those mounts of a mountinfo file that matter for what is mounted at a path and below it: these, others of their file
 * systems and of their peer groups, and what all of these are mounted on. The rest of the file, most of it on a host
 * with many containers, is not even parsed where few are inside; else the file's mounts are all told.
 */
export function mountsAround(path: string, text: string): MountInfo[] {
  const table = `\n${text}`;
  const inside = mountsUnder(parseLinesWith(` ${escapeOctal(path)}`, table), path);
  if (inside.length > FEW) return parseMountInfo(text);
  const marks = inside.flatMap((mount) => [mount.device, peerGroup(mount) ?? mount.device]);
  const related = [...new Set(marks)].flatMap((mark) => parseLinesWith(` ${mark} `, table));
  const parents = new Set([...inside, ...related].map(({ parent }) => parent));
  const above = [...parents].flatMap((id) => parseLinesWith(`\n${id} `, table));
  return [...new Map([...inside, ...related, ...above].map((mount) => [mount.id, mount])).values()];
}

/** Those of the mounts that are mounted at a path or below it. */
export function mountsUnder(mounts: readonly MountInfo[], path: string): MountInfo[] {
  return mounts.filter(({ mountPoint }) => mountPoint === path || mountPoint.startsWith(`${path}/`));
}

/**
 * Those of the mounts at and below a path that can be unmounted by their mount point now, in this order: the deepest
 * first. Left out are mounts that another one lies upon or in front of, which can be named once that one has gone,
 * and those that such a one is mounted in, which would take it along without anybody holding it.
 */
export function reachableMounts(mounts: readonly MountInfo[], path: string): MountInfo[] {
  const inside = mountsUnder(mounts, path);
  const byId = new Map(inside.map((mount) => [mount.id, mount]));
  const named = new Set(nameable(inside, byId));
  const hidden = inside.filter((mount) => !named.has(mount));
  const holding = new Set(hidden.flatMap((mount) => ancestorsOf(mount, byId)));
  return [...named].filter(({ id }) => !holding.has(id)).sort((a, b) => depth(b) - depth(a));
}

type MountsById = ReadonlyMap<number, MountInfo>;

/** Those that their mount point leads to: no other mount lies upon them or in front of them. */
function nameable(inside: readonly MountInfo[], byId: MountsById): MountInfo[] {
  const isCovered = (mount: MountInfo) =>
    inside.some(({ parent, mountPoint }) => parent === mount.id && mountPoint === mount.mountPoint);
  // Two mounts on one parent, one in front of the way to the other.
  const isBehind = (mount: MountInfo): boolean => {
    const above = byId.get(mount.parent);
    const inFront = inside.some(
      (other) => other.parent === mount.parent && mount.mountPoint.startsWith(`${other.mountPoint}/`),
    );
    return inFront || (above !== undefined && isBehind(above));
  };
  return inside.filter((mount) => !isCovered(mount) && !isBehind(mount));
}

/** The ids of the mounts that a mount is mounted in, as far as they are among the given ones. */
function ancestorsOf({ parent }: MountInfo, byId: MountsById): number[] {
  const above = byId.get(parent);
  return above === undefined ? [] : [above.id, ...ancestorsOf(above, byId)];
}

function depth({ mountPoint }: MountInfo): number {
  return mountPoint.split("/").length;
}

/**
 * The mount points that must become private before what is mounted on them is unmounted, as otherwise the
 * unmounting would reach mounts of the host: a recursive bind of a shared mount is a peer of its source, and
 * taking a mount off the one takes it off the other (mount_namespaces(7)). Copies of these mounts that the
 * kernel made elsewhere by propagation are no such case: they are to go as well.
 */
export function mountPointsToIsolate(mounts: readonly MountInfo[], path: string): string[] {
  const inside = new Set(mountsUnder(mounts, path));
  const outside = mounts.filter((mount) => !inside.has(mount));
  const groupAbove = ({ parent }: MountInfo) => peerGroup(mounts.find(({ id }) => id === parent));
  const isCopy = (mount: MountInfo, other: MountInfo) =>
    groupAbove(mount) !== undefined && groupAbove(mount) === groupAbove(other);
  const byId = new Map([...inside].map((mount) => [mount.id, mount]));
  return nameable([...inside], byId)
    .filter((mount) => [...inside].some(({ parent }) => parent === mount.id))
    .filter((mount) =>
      outside.some(
        (other) =>
          peerGroup(mount) !== undefined && peerGroup(mount) === peerGroup(other) && !isCopy(mount, other),
      ),
    )
    .map(({ mountPoint }) => mountPoint);
}

/** The peer group of a shared mount, such as `shared:12`. */
function peerGroup(mount: MountInfo | undefined): string | undefined {
  return mount?.propagation.find((field) => field.startsWith("shared:"));
}

/** The call of mount(2) that ends the sharing of one mount, and of none below it. */
export function isolationOf(mountPoint: string) {
  return { source: "", target: mountPoint, type: "", flags: MountFlag.private, data: "" };
}

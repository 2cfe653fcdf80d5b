import fs from "node:fs";
import path from "node:path";
import { errnoOf } from "../../base/files.ts";
import { waitUntilNot } from "../../base/poll.ts";
import { fsError } from "../errno.ts";
import { CGROUP_ROOT, removeGroup } from "./dirs.ts";

/**
 * Removes a container's control groups where they are still there: an OCI runtime that was killed while it made the
 * container has written down nothing by which its `delete` would find them. Nothing is killed for it: a group that
 * somebody is in, or has made groups in, for longer than the limit is an error.
 *
 * @param cgroupsPath of the container's config.json. One that is relative, or systemd's, is not the shim's to find.
 */
export async function removeLeftGroups(
  cgroupsPath: unknown,
  limitMs: number,
  root = CGROUP_ROOT,
): Promise<void> {
  if (typeof cgroupsPath !== "string" || !isOwnPath(cgroupsPath)) return;
  const giveUp = performance.now() + limitMs;
  const groups = hierarchies(root).map((hierarchy) => path.join(hierarchy, cgroupsPath));
  const failures: unknown[] = [];
  for (const group of groups.filter((each) => fs.existsSync(each))) {
    await remove(group, giveUp).catch((err) => failures.push(err));
  }
  if (failures.length > 0) throw failures[0];
}

/** Below the root of its hierarchy, and spelt in one way. */
function isOwnPath(cgroupsPath: string): boolean {
  return cgroupsPath.startsWith("/") && cgroupsPath !== "/" && path.resolve(cgroupsPath) === cgroupsPath;
}

/** Where groups are: in the tree of v2, or in that of each controller of v1. */
function hierarchies(root: string): string[] {
  if (fs.existsSync(path.join(root, "cgroup.controllers"))) return [root];
  const names = fs.readdirSync(root).map((name) => path.join(root, name));
  // A link is another name of one that is there.
  return names.filter((name) => fs.lstatSync(name).isDirectory());
}

async function remove(group: string, giveUp: number): Promise<void> {
  let busy: unknown;
  const isBusy = async () => {
    try {
      await removeGroup(group);
      return false;
    } catch (err) {
      if (errnoOf(err) !== "EBUSY") throw fsError(`remove ${group}`, err);
      busy = err;
      return true;
    }
  };
  if (!(await waitUntilNot(isBusy, giveUp - performance.now()))) throw fsError(`remove ${group}`, busy);
}

import path from "node:path";
import { readText, writeText } from "../../base/file-calls.ts";
import { CGROUP_ROOT, groupsOf } from "./dirs.ts";

/** The list of processes that was seen to have this one in it. */
let own: string | undefined;

/** At most one call waits for the kernel: it does so for all, and takes none of the threads that others need. */
let isUnderWay = false;

/**
 * To be called when a program has been started that will move a process into a control group, as `runc create` and
 * `runc exec` do. Before the first such move for a while the kernel waits until each processor has noticed that there
 * will be one (an RCU grace period, in which `cgroup_threadgroup_rwsem` of kernel/cgroup/cgroup.c becomes a lock for
 * writers): 6 to 13 ms in which the program would do nothing. This moves our own process to where it is, which changes
 * nothing and has the kernel wait while the program is still getting ready. (Not a runtime that makes its process in the
 * group, by CLONE_INTO_CGROUP: runc 1.4 does so for an exec on v2.)
 *
 * Resolves when that has been, to true; or could not be, which costs the time alone.
 */
export async function hastenMove(root = CGROUP_ROOT): Promise<boolean> {
  if (isUnderWay) return false;
  isUnderWay = true;
  try {
    const [group] = groupsOf(await readText("/proc/self/cgroup")).filter(isVisible);
    if (group === undefined) return false;
    const procs = path.join(root, group.name, group.path, "cgroup.procs");
    // What is mounted may be another's hierarchy, in which a group of this name is not ours (cgroup_namespaces(7)).
    if (own !== procs && !(await readText(procs)).split("\n").includes(String(process.pid))) return false;
    own = procs;
    await writeText(procs, String(process.pid));
    return true;
  } catch {
    // Control groups are not mounted there, or not ours to write to.
    return false;
  } finally {
    isUnderWay = false;
  }
}

/** Whether a group is one of a hierarchy mounted under its name, and below where that begins for us. */
function isVisible({ name, path: group }: { readonly name: string; readonly path: string }): boolean {
  return !name.startsWith("name=") && !group.startsWith("/..");
}

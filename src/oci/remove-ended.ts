import fs from "node:fs";
import path from "node:path";
import { CGROUP_ROOT, removeGroup } from "../linux/cgroup/dirs.ts";
import { fieldOf, type KeptState, mayHaveHooks, readKeptState } from "./kept-state.ts";

/** A container whose init has ended. */
export interface EndedContainer {
  /** The directory in which the runtime keeps its state: `<root>/<id>`. */
  readonly stateDirectory: string;
  /** The pid that its init had. */
  readonly pid: number;
  /** Whether the runtime was called with `--systemd-cgroup`: not every runc notes that down. */
  readonly systemdCgroup: boolean;
  /** Ends it between two steps. */
  readonly signal?: AbortSignal;
  /** Where the file systems of control groups are mounted. */
  readonly cgroupRoot?: string;
}

/**
 * Removes what runc keeps of a container that has ended, as `runc delete` does: first its control groups, then its state
 * (libcontainer/state_linux.go: `destroy`). Starting a program for that would take 10 ms, and as much of a processor.
 *
 * False where that program has to be called: where it has more to do (poststop hooks, control groups of systemd's, an
 * intelRdt group, processes that a pid namespace did not take along), and where a control group cannot be removed, for
 * which it waits and which it tells. What was removed here is nothing that it would miss.
 */
export async function removeEnded(container: EndedContainer): Promise<boolean> {
  const { stateDirectory, pid, systemdCgroup, signal, cgroupRoot = CGROUP_ROOT } = container;
  const state = readKeptState(stateDirectory);
  if (state === undefined || Number(state.init_process_pid) !== pid) return false;
  if (hasMoreToDo(state, systemdCgroup)) return false;
  const groups = groupsOf(state, cgroupRoot);
  if (groups === undefined) return false;
  try {
    // One by one: a lock of the kernel's that is held for long has one thread wait.
    for (const group of groups) {
      await removeGroup(group);
      signal?.throwIfAborted();
    }
    fs.rmSync(stateDirectory, { recursive: true });
    return true;
  } catch {
    return false;
  }
}

/** Whether a deletion is more than to remove directories, or may be. */
function hasMoreToDo(state: KeptState, systemdCgroup: boolean): boolean {
  const { config } = state;
  const isOfSystemd = (fieldOf(fieldOf(config, "cgroups"), "systemd") ?? systemdCgroup) !== false;
  const hasRdt = (state.intel_rdt_path ?? "") !== "" || (fieldOf(config, "intel_rdt") ?? null) !== null;
  return isOfSystemd || hasRdt || !hasOwnPids(config) || mayHaveHooks(state, "poststop");
}

/** Whether a pid namespace of its own has taken all other processes along with the init (pid_namespaces(7)). */
function hasOwnPids(config: object): boolean {
  const namespaces = fieldOf(config, "namespaces");
  if (!Array.isArray(namespaces)) return false;
  return namespaces.some(
    (each) => fieldOf(each, "type") === "NEWPID" && (fieldOf(each, "path") ?? "") === "",
  );
}

/** The directories of its control groups; undefined where one is none below the root. */
function groupsOf(state: KeptState, root: string): string[] | undefined {
  const { cgroup_paths: paths } = state;
  if (typeof paths !== "object" || paths === null) return undefined;
  const groups = [...new Set(Object.values(paths))].filter((group) => group !== "");
  const isGroup = (group: unknown): group is string =>
    typeof group === "string" && path.resolve(group) === group && group.startsWith(`${root}/`);
  return groups.every(isGroup) ? groups : undefined;
}

import path from "node:path";
import { readdir, readText } from "../base/file-calls.ts";
import { isLive, parseProcessStat } from "../linux/process-stat.ts";

/**
 * What a helper does with the mounts that it has been given (`release-helper.ts`):
 * - `holding`: it has them, and waits to be told to let go;
 * - `waiting`: it waits for its turn on the device;
 * - `syncing`: it lets them go, in which the kernel writes out what is unwritten;
 * - `cleaning`: they are gone, and it removes what marks a volatile overlay as in use.
 */
export const ACTIVITIES = ["holding", "waiting", "syncing", "cleaning"] as const;

/** One of {@link ACTIVITIES}. */
export type Activity = (typeof ACTIVITIES)[number];

/** What a process does now. */
export interface HelperActivity {
  readonly activity: Activity;
  /** The kernel's functions that it is in, the innermost first; empty where they may not be read, or it is in none. */
  readonly stack: readonly string[];
}

/** The programs that the helper's shell runs, by what they are there for. */
const PROGRAMS: Readonly<Record<string, Activity>> = { flock: "waiting", timeout: "waiting", rm: "cleaning" };

/** The first descriptor of a mount, which is also the first to be closed. */
const FIRST_MOUNT = 4;

/** What a helper does; undefined where it has ended. It reads in proc, off the main thread. */
export async function helperActivity(pid: number, proc = "/proc"): Promise<HelperActivity | undefined> {
  const dir = path.join(proc, String(pid));
  const child = await runningProgram(dir, proc);
  if (child !== undefined) return { activity: child.activity, stack: await stackOf(child.dir) };
  const thread = await busiestThread(dir);
  if (thread === undefined) return undefined;
  const isHolding = await hasMounts(dir).catch(() => thread.state !== "D");
  return { activity: isHolding ? "holding" : "syncing", stack: await stackOf(thread.dir) };
}

/** The child that the shell waits for. A kernel that does not list children shows such a helper as `holding`. */
async function runningProgram(dir: string, proc: string) {
  const file = path.join(dir, "task", path.basename(dir), "children");
  const children = await readText(file).catch(() => "");
  for (const pid of children.split(" ").filter((word) => word !== "")) {
    const child = path.join(proc, pid);
    const name = await readText(path.join(child, "comm")).catch(() => "");
    const activity = PROGRAMS[name.trimEnd()];
    if (activity !== undefined) return { dir: child, activity };
  }
  return undefined;
}

/** A thread that sleeps in the kernel for a disk, where there is one, else the first: a helper may have several. */
async function busiestThread(dir: string) {
  const names = await readdir(path.join(dir, "task")).catch(() => []);
  const threads: { dir: string; state: string }[] = [];
  for (const name of names) {
    const thread = path.join(dir, "task", name);
    const stat = parseProcessStat(await readText(path.join(thread, "stat")).catch(() => ""));
    if (stat !== undefined && isLive(stat)) threads.push({ dir: thread, state: stat.state });
  }
  return threads.find(({ state }) => state === "D") ?? threads[0];
}

/** Whether it still has the first; rejects where that may not be seen. */
async function hasMounts(dir: string): Promise<boolean> {
  const fds = await readdir(path.join(dir, "fd"));
  return fds.includes(String(FIRST_MOUNT));
}

/** A line reads `[<0>] ovl_sync_fs+0x45/0x60 [overlay]`; an address without a name ends the stacks of old kernels. */
async function stackOf(dir: string): Promise<string[]> {
  const text = await readText(path.join(dir, "stack")).catch(() => "");
  return text.split("\n").flatMap((line) => /^\[<[0-9a-f]+>\] ([^0+\s][^+\s]*)\+/.exec(line)?.[1] ?? []);
}

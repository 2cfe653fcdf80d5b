import { readFile } from "node:fs/promises";
import { StatusCode, StatusError } from "../base/status.ts";
import { describeEnding, runProgram } from "./program.ts";

/** How long one `umount` may take. The mount has left the tree long before when it is a sync that takes longer. */
const UMOUNT_TIMEOUT_MS = 30_000;

/** The mount points at and below a directory in this mount namespace, deepest and newest first. */
export async function mountsAt(dir: string): Promise<string[]> {
  return mountPointsIn(await readFile("/proc/self/mountinfo", "utf8"), dir);
}

/** The mount points at and below a directory in the text of a mountinfo file (proc_pid_mountinfo(5)). */
export function mountPointsIn(mountinfo: string, dir: string): string[] {
  const points = mountinfo
    .split("\n")
    .map((line) => unescapePath(line.split(" ")[4] ?? ""))
    .filter((point) => point === dir || point.startsWith(`${dir}/`));
  return points.reverse().sort((a, b) => depth(b) - depth(a));
}

/**
 * Takes every mount at and below a directory off the tree, lazily where it is in use. For what was left over
 * by others: a shim unmounts its rootfs itself. Throws `failedPrecondition` naming a mount that would not go.
 */
export async function unmountAll(dir: string): Promise<void> {
  for (const point of await mountsAt(dir)) {
    const plain = await umount([point]);
    if (plain.exitCode === 0) continue;
    const lazy = await umount(["-l", point]);
    if (lazy.exitCode === 0 || !(await mountsAt(dir)).includes(point)) continue;
    const message = `${point} could not be unmounted: ${describeEnding(lazy)}`;
    throw new StatusError(StatusCode.failedPrecondition, message);
  }
}

function umount(args: readonly string[]) {
  return runProgram({ file: "umount", args, timeoutMs: UMOUNT_TIMEOUT_MS });
}

function depth(point: string): number {
  return point.split("/").length;
}

/** Mountinfo writes space, tab, newline and backslash as three octal digits. */
function unescapePath(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { StatusCode, StatusError } from "../../src/base/status.ts";

/** The folder runc-fixtures. */
export const fixtures = fileURLToPath(new URL("../../runc-fixtures", import.meta.url));

/** Whether a process exists and is no zombie. */
export function isAlive(pid: number): boolean {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    return !["Z", "X"].includes(stat.charAt(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}

/** A recorded call of a real runtime that failed (record.mjs). */
export interface RecordedFailure {
  readonly name: string;
  readonly args: readonly string[];
  readonly status: number;
  readonly stderr: string;
  readonly log: readonly string[];
}

/** The text of a recorded file. */
export function readRecorded(runtime: string, name: string): string {
  return fs.readFileSync(path.join(fixtures, "recorded", runtime, name), "utf8");
}

/** The failures that were recorded of a runtime. */
export function readFailures(runtime: string): RecordedFailure[] {
  return JSON.parse(readRecorded(runtime, "failures.json")) as RecordedFailure[];
}

/** One call of the fake runtime, as it notes it down. */
export interface FakeCall {
  readonly argv: readonly string[];
  readonly pid: number;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly fds: Readonly<Record<string, string>>;
}

/** A fake runtime with a scenario of its own. */
export interface FakeRunc {
  readonly binary: string;
  readonly root: string;
  readonly log: string;
  /** The calls so far. */
  calls(): FakeCall[];
}

/** Writes a program into `dir` that runs the fake runtime with this scenario, whatever is in PATH. */
export function makeFakeRunc(dir: string, commands: Readonly<Record<string, unknown>> = {}): FakeRunc {
  const binary = path.join(dir, "fake-runc");
  const scenario = path.join(dir, "scenario.json");
  const record = path.join(dir, "calls.jsonl");
  fs.writeFileSync(scenario, JSON.stringify({ record, commands }));
  const program = path.join(fixtures, "fake-runc.mjs");
  const script = `#!/bin/sh\nEBB_FAKE_RUNC='${scenario}' exec '${process.execPath}' '${program}' "$@"\n`;
  fs.writeFileSync(binary, script, { mode: 0o755 });
  const calls = () => {
    if (!fs.existsSync(record)) return [];
    const lines = fs.readFileSync(record, "utf8").trimEnd().split("\n");
    return lines.map((line) => JSON.parse(line) as FakeCall);
  };
  return { binary, root: path.join(dir, "root"), log: path.join(dir, "log.json"), calls };
}

/** A bundle in `dir` of the busybox sample, with a real root file system. */
export function makeBusyboxBundle(dir: string, args: readonly string[] = ["sleep", "1000"]): string {
  const bundle = path.join(dir, "bundle");
  const bin = path.join(bundle, "rootfs/bin");
  fs.mkdirSync(bin, { recursive: true });
  fs.copyFileSync("/bin/busybox", path.join(bin, "busybox"));
  for (const name of ["sh", "sleep", "true"]) fs.symlinkSync("busybox", path.join(bin, name));
  const config = JSON.parse(fs.readFileSync(path.join(fixtures, "bundles/busybox.json"), "utf8"));
  config.process.args = args;
  fs.writeFileSync(path.join(bundle, "config.json"), JSON.stringify(config));
  return bundle;
}

/** Why tests with real containers cannot run here, or false where they can. */
export function noContainersReason(runtime: string): string | false {
  if (process.getuid?.() !== 0) return "needs root";
  if (!fs.existsSync("/bin/busybox")) return "needs /bin/busybox";
  if (findProgram(runtime) === undefined) return `needs ${runtime}`;
  return false;
}

function findProgram(name: string): string | undefined {
  const dirs = (process.env.PATH ?? "").split(":");
  return dirs.map((dir) => path.join(dir, name)).find((file) => fs.existsSync(file));
}

/**
 * A real runtime's binary for tests. crun refuses hosts that have both cgroup versions mounted; there, a
 * program in `dir` hides version 2 from it.
 */
export function realBinary(dir: string, runtime: string): string {
  const program = findProgram(runtime) ?? runtime;
  const hybrid = fs.existsSync("/sys/fs/cgroup/unified/cgroup.controllers");
  if (runtime !== "crun" || !hybrid) return program;
  const wrapper = path.join(dir, "crun");
  const hide = `umount -l /sys/fs/cgroup/unified; exec ${program} "$@"`;
  const script = `#!/bin/sh\nexec unshare -m --propagation private sh -c '${hide}' crun "$@"\n`;
  fs.writeFileSync(wrapper, script, { mode: 0o755 });
  return wrapper;
}

/** Resolves once a condition holds; for what has no event to wait for, such as another process's end. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 2_000; tries += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new StatusError(StatusCode.deadlineExceeded, `${what} did not come about`);
}

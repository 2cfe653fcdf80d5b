import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { containerd } from "../../src/proto/index.ts";
import type { Bench } from "./bench.ts";

/** A program in the OCI runtime's place: a shell script that writes down how it is called. */
export interface RecordingRuntime {
  /** Options that name it. */
  readonly options: containerd.runc.v1.IOptions;
  /** The arguments of each call so far. */
  calls(): string[][];
  /** The arguments of the first call of a command. */
  call(command: string): string[];
}

/**
 * Writes such a script. It passes everything on to the real runtime, but for `--systemd-cgroup`, which is only
 * written down, and for the commands of which `instead` says what to do in the shell.
 */
export function recordingRuntime(
  bench: Bench,
  instead: Readonly<Record<string, string>> = {},
): RecordingRuntime {
  const file = path.join(bench.dir, "runtime");
  const record = path.join(bench.dir, "runtime-calls");
  const cases = Object.entries(instead).map(([command, work]) => `  *" ${command} "*) ${work} ;;`);
  const lines = [
    "#!/bin/sh",
    `{ for word; do printf '%s\\037' "$word"; done; printf '\\n'; } >>${record}`,
    'case " $* " in',
    ...cases,
    "esac",
    'for word; do shift; [ "$word" = --systemd-cgroup ] || set -- "$@" "$word"; done',
    `exec ${bench.target.runtimeBinary ?? "runc"} "$@"`,
  ];
  writeFileSync(file, `${lines.join("\n")}\n`, { mode: 0o755 });
  const calls = () =>
    existsSync(record)
      ? readFileSync(record, "utf8")
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => line.split("\x1f").slice(0, -1))
      : [];
  const call = (command: string) => {
    const found = calls().find((words) => words.includes(command));
    if (found === undefined) throw new Error(`the runtime was not called with ${command}`);
    return found;
  };
  return { options: { binaryName: file }, calls, call };
}

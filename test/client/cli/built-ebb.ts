import fs from "node:fs";
import { fileURLToPath } from "node:url";
import { busyboxPath } from "../../../lab/busybox-rootfs.ts";
import { type CommandOptions, type CommandResult, command } from "../../../lab/command.ts";

/** The `ebb` command as it was built. */
export const ebbPath = fileURLToPath(new URL("../../../dist/lib/client/cli/main.js", import.meta.url));

/** How to call it; the environment is added to this process's. */
export type EbbOptions = CommandOptions & {
  /** What a shell does first in the mount namespace of its own that ebb then runs in. */
  readonly host?: string;
  /** A program that runs ebb, such as `setarch`. */
  readonly by?: readonly string[];
};

/** Runs `ebb` as it was built, by the runtime that this test runs on. */
export function ebb(args: readonly string[], options: EbbOptions = {}): Promise<CommandResult> {
  const { host, by = [], env, ...rest } = options;
  const line = [...(host === undefined ? [] : oddHost(host)), ...by, process.execPath, ebbPath, ...args];
  return command(line[0] ?? "", line.slice(1), { ...rest, env: { ...process.env, ...env } });
}

/** It lets go of others' root file systems, whose releases it would prolong. */
function oddHost(script: string): string[] {
  const busybox = busyboxPath() ?? "busybox";
  const text = `
while read -r _ _ _ _ point _; do
  case "$point" in */rootfs) ${busybox} umount -l "$point" || true ;; esac
done < /proc/self/mountinfo
${script}
exec "$@"`;
  return ["unshare", "-m", "--propagation", "private", busybox, "sh", "-e", "-c", text, "sh"];
}

/** A directory for PATH with these programs and no others: a path to link to, or the text of a shell script. */
export function programs(dir: string, wanted: Readonly<Record<string, string>>): string {
  fs.mkdirSync(dir, { recursive: true });
  for (const [name, what] of Object.entries(wanted)) {
    const file = `${dir}/${name}`;
    fs.rmSync(file, { force: true });
    if (what.startsWith("/")) fs.symlinkSync(what, file);
    else fs.writeFileSync(file, `#!/bin/sh\n${what}\n`, { mode: 0o755 });
  }
  return dir;
}

import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The executable that the build leaves. */
export const shimPath = path.join(
  path.dirname(fileURLToPath(import.meta.url)),
  "../../dist/containerd-shim-ebb-v2",
);

/** What a call of the shim's program came to. */
export interface Outcome {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs the shim's program until it has ended *and* both its outputs are closed, as the daemon does. */
export function runShim(
  args: readonly string[],
  options: { cwd?: string; stdin?: Uint8Array; env?: Record<string, string>; program?: string } = {},
): Promise<Outcome> {
  const env = { ...process.env, ...options.env };
  const child = spawn(options.program ?? shimPath, [...args], { cwd: options.cwd ?? os.tmpdir(), env });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on("error", () => {});
  child.stdin.end(options.stdin ?? new Uint8Array());
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) =>
      resolve({ status, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }),
    );
  });
}

/** A new directory that serves as a bundle, with the given config.json (an object, or its text). */
export function makeBundle(config?: object | string): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-bundle-"));
  if (config !== undefined) {
    const text = typeof config === "string" ? config : JSON.stringify(config);
    fs.writeFileSync(path.join(dir, "config.json"), text);
  }
  return dir;
}

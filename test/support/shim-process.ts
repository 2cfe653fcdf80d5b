import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const dist = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../dist");

/** What the daemon runs, as the build leaves it. */
export const shimPath = path.join(dist, "containerd-shim-ebb-v2");

/** The program that it calls, which does all by itself where a host has no shell. */
export const programPath = path.join(dist, "containerd-shim-ebb");

/** Installs the shim in a directory, under a name of its own. Returns what the daemon would run. */
export function installShim(directory: string, name = path.basename(shimPath)): string {
  fs.copyFileSync(programPath, path.join(directory, path.basename(programPath)));
  const front = path.join(directory, name);
  fs.copyFileSync(shimPath, front);
  return front;
}

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

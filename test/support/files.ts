import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

/** A directory of its own for one test, and what removes it. */
export function makeTempDir(): { dir: string; remove: () => void } {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-test-"));
  return { dir, remove: () => fs.rmSync(dir, { recursive: true, force: true }) };
}

/** Runs a test body with a directory that is removed after it. */
export async function withTempDir<T>(body: (dir: string) => Promise<T> | T): Promise<T> {
  const { dir, remove } = makeTempDir();
  try {
    return await body(dir);
  } finally {
    remove();
  }
}

/** Writes an executable shell script and returns its path. */
export function script(dir: string, name: string, body: string): string {
  const file = path.join(dir, name);
  fs.writeFileSync(file, `#!/bin/sh\n${body}\n`);
  fs.chmodSync(file, 0o755);
  return file;
}

/** The pid that a program has written to a file; undefined as long as none is there. */
export function pidIn(file: string): number | undefined {
  return (fs.existsSync(file) && Number(fs.readFileSync(file, "utf8"))) || undefined;
}

/** How many descriptors this process has open. */
export function countFds(): number {
  return fs.readdirSync("/proc/self/fd").length;
}

/** How many descriptors this process has open, but for those with which the runtime waits for events. */
export function countOpenFiles(): number {
  return fs.readdirSync("/proc/self/fd").filter((fd) => !isForEvents(`/proc/self/fd/${fd}`)).length;
}

function isForEvents(link: string): boolean {
  try {
    return fs.readlinkSync(link).startsWith("anon_inode:[event");
  } catch {
    return true;
  }
}

/** Makes a fifo. */
export function makeFifo(file: string): void {
  const { status } = spawnSync("mkfifo", [file]);
  if (status !== 0) throw new Error(`mkfifo ${file} failed`);
}

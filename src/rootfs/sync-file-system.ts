import { spawn } from "node:child_process";
import fs from "node:fs";
import { StatusCode, StatusError } from "../base/status.ts";
import { readMountInfo } from "../linux/mountinfo.ts";
import { deviceName } from "./backing.ts";
import type { PendingRelease } from "./pending.ts";

/**
 * Directories on the file systems that detached mounts were written through to: of an overlay the upper one, of a
 * bind any place where its file system is still mounted. What is mounted nowhere any more was synced as it went.
 */
export async function writtenThrough(mounts: readonly PendingRelease[]): Promise<string[]> {
  const places = mounts.map(({ kind, source, mounted }) => {
    if (kind === "overlay") return source;
    return kind === "shared" ? placeOf(mounted) : undefined;
  });
  return (await Promise.all(places)).filter((place) => place !== undefined);
}

/** A mount point that leads to a file system; another mount may lie upon one. */
async function placeOf(device: string): Promise<string | undefined> {
  for (const mount of readMountInfo()) {
    if (mount.device !== device) continue;
    const found = await fs.promises.stat(mount.mountPoint).catch(() => undefined);
    if (found !== undefined && deviceName(found.dev) === device) return mount.mountPoint;
  }
  return undefined;
}

/**
 * Writes out the file system that a directory is on (syncfs(2)), by the program `sync`: the call can sleep for as
 * long as the disk likes, and a thread of ours that sleeps there would keep this process from ending. The child
 * is left to itself when nobody waits any longer. A directory that is gone has nothing to write.
 */
export async function syncFileSystem(dir: string): Promise<void> {
  const child = spawn("sync", ["-f", "--", dir], {
    stdio: ["ignore", "ignore", "pipe"],
    cwd: "/",
    // What it says is read below.
    env: { ...process.env, LC_ALL: "C" },
  });
  child.unref();
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += String(chunk).slice(0, 1_000);
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (status === 0 || /No such file or directory/.test(said)) return;
  throw new StatusError(
    StatusCode.internal,
    `sync of ${dir} failed: ${said.trim() || `exit status ${status}`}`,
  );
}

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import { until } from "../../lab/until.ts";

/**
 * Goes into a mount namespace of its own, which has a copy of every mount, and sees nothing of what becomes of them.
 * Of all root file systems it keeps one: the end of its namespace is the end of the last reference, and may wait for
 * a disk that is not ours.
 */
const HOLD = `while read -r _ _ _ _ point _; do
  case "$point" in "$0") ;; */rootfs) umount -l "$point" ;; esac
done < /proc/self/mountinfo 2>/dev/null
exec sleep 1000`;

/** A process in another mount namespace that has a copy of a container's rootfs. */
export interface CopyHolder {
  readonly pid: number;
  readonly namespace: number;
  /** Lets the copy go, which may wait for its disk. */
  end(): Promise<void>;
}

/** Starts such a process. */
export async function holdCopy(rootfs: string): Promise<CopyHolder> {
  const args = ["-m", "--propagation", "private", "sh", "-c", HOLD, rootfs];
  const holder = spawn("unshare", args, { stdio: "ignore" });
  const exit = new Promise((resolve) => holder.once("exit", resolve));
  const { pid = 0 } = holder;
  const isReady = () => (fs.readFileSync(`/proc/${pid}/comm`, "utf8") === "sleep\n" ? true : undefined);
  await until("a copy of the mount", isReady);
  const namespace = fs.statSync(`/proc/${pid}/ns/mnt`).ino;
  assert.notEqual(namespace, fs.statSync("/proc/self/ns/mnt").ino);
  const end = async () => {
    holder.kill("SIGKILL");
    await exit;
  };
  return { pid, namespace, end };
}

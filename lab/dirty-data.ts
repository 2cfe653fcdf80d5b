import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { bundlePath, type PrivateContainerd } from "./private-containerd.ts";
import { until } from "./until.ts";

/**
 * The program of a container that waits for its sign, writes so much to `/data`, into the page cache, does what `then`
 * says in the shell's words, and goes on for long.
 */
export function writer(mebibytes: number, then = "true"): string[] {
  const script = `
until [ -e /go ]; do usleep 10000; done
dd if=/dev/urandom of=/data bs=1M count=${mebibytes} 2>/dev/null && ${then} && : > /written
exec sleep 1000`;
  return ["sh", "-c", script];
}

/** Gives containers that run {@link writer} their sign, and waits until all have written. */
export async function haveWritten(containerd: PrivateContainerd, ids: readonly string[]): Promise<void> {
  const file = (id: string, name: string) => path.join(bundlePath(containerd, id), "rootfs", name);
  for (const id of ids) writeFileSync(file(id, "go"), "");
  for (const id of ids) {
    await until(`the data of ${id}`, () => (existsSync(file(id, "written")) ? true : undefined));
  }
}

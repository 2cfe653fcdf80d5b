import { mkdirSync } from "node:fs";
import { must } from "./command.ts";

/** Makes a directory on a tmpfs of its own, as /run is one: what a daemon and its shims note down waits for no disk. */
export async function makeTmpfs(directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  await must("mount", ["-t", "tmpfs", "-o", "mode=0711", "tmpfs", directory]);
}

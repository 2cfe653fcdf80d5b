import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { PrivateContainerd } from "./private-containerd.ts";

/** Writes images as archives, one after the other, and has a containerd import and unpack each. */
export async function importImages(
  containerd: PrivateContainerd,
  writers: readonly ((archive: string) => Promise<unknown>)[],
): Promise<void> {
  const scratch = mkdtempSync(path.join(os.tmpdir(), "ebb-import-"));
  try {
    const archive = path.join(scratch, "image.tar");
    for (const write of writers) {
      await write(archive);
      await containerd.mustCtr(["image", "import", archive]);
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** The key of the top layer of the only image that a containerd has. */
export async function topLayer(containerd: PrivateContainerd): Promise<string> {
  const lines = (await containerd.mustCtr(["snapshot", "ls"])).split("\n").map((line) => line.split(/\s+/));
  const committed = lines.find((words) => words.includes("Committed"));
  if (committed?.[0] === undefined) throw new Error(`no image is unpacked in ${containerd.root}`);
  return committed[0];
}

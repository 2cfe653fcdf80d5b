import { mkdirSync } from "node:fs";
import path from "node:path";
import { must } from "../../lab/command.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { MountFlag } from "../../src/linux/libc.ts";
import type { Row } from "../result.ts";
import { tablesOfLives } from "./life.ts";

/** A node that is full of pods has as many. */
const MOUNTS = 2_000;

/** The same life beside the mounts of others, which whoever looks for a mount has to go through. */
export const busyNode: Row = {
  name: "busy-node",
  async run(lab) {
    const dir = path.join(lab.run, "others");
    try {
      await mountMany(dir, MOUNTS);
      return {
        title: "A container's life beside 2,000 other mounts",
        how: "The same on a node that has as many mounts as one full of pods, here small tmpfs ones. The OCI runtime goes through all of them as well.",
        tables: await tablesOfLives(lab, "busy-node"),
      };
    } finally {
      // Those in it go along.
      await must("umount", ["--lazy", dir]);
    }
  },
};

/** So many file systems in a directory, which is one itself. */
async function mountMany(dir: string, count: number): Promise<void> {
  const libc = loadLibc();
  const tmpfs = async (target: string) => {
    mkdirSync(target);
    await libc.mount({ source: "others", target, type: "tmpfs", flags: MountFlag.noexec, data: "" });
  };
  await tmpfs(dir);
  for (let n = 0; n < count; n += 1) await tmpfs(path.join(dir, String(n)));
}

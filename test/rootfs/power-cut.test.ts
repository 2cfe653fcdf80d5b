import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import PQueue from "p-queue";
import { command } from "../../lab/command.ts";
import { makeSlowDisk, type SlowDisk, whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";
import { nullLogger } from "../../src/base/logger.ts";
import type { ReleaseMode } from "../../src/base/release-mode.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { readProcessStat } from "../../src/linux/process-stat.ts";
import { PendingReleases } from "../../src/rootfs/pending.ts";
import { ContainerRootfs } from "../../src/shim/rootfs.ts";
import { defaultSettings } from "../../src/shim/settings.ts";
import { type Fate, OUTCOMES, type Outcome, type Way } from "./durability.ts";
import { scratch } from "./scratch.ts";

const libc = loadLibc();
const place = scratch(libc);
const skip = whyNoSlowDisk() ?? false;
const { runDirectory } = place.host;
const settings = { ...defaultSettings, runDirectory };
const registry = new PendingReleases(runDirectory);
const BYTES = randomBytes(1 << 20);

/** A rootfs with a file that was synced by `fsync` and one that was not, on a disk that takes nothing any more. */
interface Scene {
  readonly disk: SlowDisk;
  readonly rootfs: ContainerRootfs;
}

/** What becomes of the rootfs, from moment to moment. */
type Course = (scene: Scene) => AsyncGenerator<string>;

const COURSES: Readonly<Record<Way, Course>> = {
  async *deferred({ disk, rootfs }) {
    yield "the container runs";
    await rootfs.detach();
    await rootfs.settled();
    await until("the helper to sync", () => isSyncing(helperPid()));
    yield "Delete has answered, the helper is at work";
    disk.lift();
    await helperEnded();
    yield "the helper has ended";
  },
  async *strict({ disk, rootfs }) {
    yield "the container runs";
    await rootfs.detach();
    yield* untilAnswered(disk, rootfs.settled(), helperPid());
  },
  async *volatile({ disk, rootfs }) {
    yield "the container runs";
    await rootfs.detach();
    await rootfs.settled();
    await helperEnded();
    yield "Delete has answered and the helper has ended";
    disk.lift();
    // Stands for what the kernel does by itself within half a minute.
    await command("sync", ["--file-system", disk.mountPoint]);
    yield "the kernel has written everything in its own time";
  },
  async *"a plain unmount"({ disk, rootfs }) {
    yield "the container runs";
    const umount = spawn("umount", [rootfs.path]);
    yield* untilAnswered(disk, once(umount, "exit"), umount.pid);
  },
};

async function* untilAnswered(disk: SlowDisk, answer: Promise<unknown>, pid = 0): AsyncGenerator<string> {
  let answered = false;
  void answer.then(() => {
    answered = true;
  });
  await until(`pid ${pid} to sync`, () => isSyncing(pid));
  yield "Delete has not answered yet";
  assert.equal(answered, false);
  disk.lift();
  await answer;
  yield "Delete has answered";
}

function isSyncing(pid: number | undefined): true | undefined {
  return readProcessStat(pid ?? 0)?.state === "D" ? true : undefined;
}

function helperPid(): number | undefined {
  return registry.list()[0]?.helper.pid;
}

async function helperEnded(): Promise<void> {
  await until("the helper to end", () => (helperPid() === undefined ? true : undefined));
}

describe("a power cut", () => {
  let disk: SlowDisk;
  before(async () => {
    if (skip === false) disk = await makeSlowDisk({ size: 64 << 20 });
  });
  after(() => disk?.dispose());

  const dirOf = (way: Way) => way.replaceAll(" ", "-");

  async function mounted(way: Way): Promise<Scene> {
    const [lower = "", bundle = ""] = place.make(`${dirOf(way)}/lower`, `${dirOf(way)}/bundle`);
    const [upper = "", work = ""] = ["upper", "work"].map((name) =>
      path.join(disk.mountPoint, dirOf(way), name),
    );
    for (const dir of [upper, work]) fs.mkdirSync(dir, { recursive: true });
    const mode: ReleaseMode = way === "a plain unmount" ? "strict" : way;
    const host = { libc, settings, logger: nullLogger, mounting: new PQueue() };
    const rootfs = new ContainerRootfs(host, { namespace: "test", id: dirOf(way), bundle, mode });
    const options = [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`];
    await rootfs.mount([{ type: "overlay", source: "overlay", target: "", options }]);
    return { disk, rootfs };
  }

  function writeFiles(rootfs: string): void {
    const fd = fs.openSync(path.join(rootfs, "synced"), "w");
    fs.writeSync(fd, BYTES);
    fs.fsyncSync(fd);
    fs.closeSync(fd);
    fs.writeFileSync(path.join(rootfs, "written"), BYTES);
  }

  /** What is there when the power comes back. */
  async function afterCut(way: Way, moment: string): Promise<Outcome> {
    const copy = await makeSlowDisk({ copyOf: disk });
    try {
      const upper = path.join(copy.mountPoint, dirOf(way), "upper");
      return { way, moment, written: fateOf(upper, "written"), synced: fateOf(upper, "synced") };
    } finally {
      await copy.dispose();
    }
  }

  for (const way of Object.keys(COURSES) as Way[]) {
    test(`leaves what docs/unmount.md says: ${way}`, { skip }, async () => {
      const scene = await mounted(way);
      writeFiles(scene.rootfs.path);
      disk.throttle(1);
      try {
        const found: Outcome[] = [];
        for await (const moment of COURSES[way](scene)) found.push(await afterCut(way, moment));
        assert.deepEqual(
          found,
          OUTCOMES.filter((outcome) => outcome.way === way),
        );
      } finally {
        disk.lift();
      }
    });
  }
});

/** A file that is short, or whose content is not what was written, is as good as lost. */
function fateOf(dir: string, name: string): Fate {
  const file = path.join(dir, name);
  return fs.existsSync(file) && fs.readFileSync(file).equals(BYTES) ? "kept" : "may be lost";
}

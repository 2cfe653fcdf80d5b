import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { must } from "../../lab/command.ts";
import { hasLiveOwner } from "../../lab/owner.ts";
import { makeSlowDisk, whyNoSlowDisk, writeLimitOf } from "../../lab/slow-disk.ts";
import { clearStaleDisks } from "../../lab/stale.ts";
import { until } from "../../lab/until.ts";
import { readProcessStat } from "../../src/linux/process-stat.ts";

const skip = whyNoSlowDisk() ?? false;
const program = fileURLToPath(new URL("throttled-disk.ts", import.meta.url));

/** A throttled disk in the hands of another process. */
class OtherDisk {
  readonly pid: number;
  readonly device: string;
  readonly directory: string;

  constructor(pid: number, told: { device: string; mountPoint: string }) {
    this.pid = pid;
    this.device = path.basename(told.device);
    this.directory = path.dirname(told.mountPoint);
  }

  get limited(): boolean {
    const limit = writeLimitOf(this.device);
    return !("reason" in limit) && limit.isSet(this.#sysfs("dev"));
  }

  lift(): void {
    const limit = writeLimitOf(this.device);
    if (!("reason" in limit)) limit.clear(this.#sysfs("dev"));
  }

  get mounted(): boolean {
    return readFileSync("/proc/self/mountinfo", "utf8").includes(this.directory);
  }

  get attached(): boolean {
    return this.#sysfs("loop/backing_file").startsWith(this.directory);
  }

  #sysfs(name: string): string {
    const file = path.join("/sys/block", this.device, name);
    return existsSync(file) ? readFileSync(file, "utf8").trim() : "";
  }
}

async function otherDisk(t: TestContext, ...args: string[]): Promise<OtherDisk> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk) => {
    text += String(chunk);
  });
  t.after(async () => {
    child.kill("SIGKILL");
    await clearStaleDisks();
  });
  await until("the other's disk", () => (text.endsWith("\n") ? true : undefined));
  return new OtherDisk(child.pid ?? 0, JSON.parse(text));
}

function hasState(pid: number, ...states: (string | undefined)[]): () => true | undefined {
  return () => (states.includes(readProcessStat(pid)?.state) ? true : undefined);
}

async function assertCleared(disk: OtherDisk): Promise<void> {
  const told = (await clearStaleDisks()).join("\n");
  assert.match(told, new RegExp(`removed ${disk.directory}$`, "m"));
  assert.equal(disk.limited, false);
  assert.equal(disk.mounted, false);
  await until("the loop device to be free", () => (disk.attached ? undefined : true));
  assert.equal(existsSync(disk.directory), false);
}

describe("a slow disk whose process was killed", () => {
  test("is removed with its limit, mount, device and files", { skip }, async (t) => {
    const disk = await otherDisk(t);
    process.kill(disk.pid, "SIGKILL");
    await until("the process to end", hasState(disk.pid, "Z", undefined));
    assert.deepEqual([disk.limited, disk.mounted, disk.attached], [true, true, true]);
    await assertCleared(disk);
  });

  test("is removed as well while the process waits for it in the kernel", { skip }, async (t) => {
    const disk = await otherDisk(t, "sync");
    await until("the process to wait for the disk", hasState(disk.pid, "D"));
    process.kill(disk.pid, "SIGKILL");
    assert.equal(hasLiveOwner(disk.directory), false);
    await assertCleared(disk);
    await until("the process to end", hasState(disk.pid, "Z", undefined));
  });

  test("is removed as well where it was left frozen", { skip }, async (t) => {
    const disk = await otherDisk(t);
    disk.lift();
    await must("fsfreeze", ["--freeze", path.join(disk.directory, "mount")]);
    process.kill(disk.pid, "SIGKILL");
    await until("the process to end", hasState(disk.pid, "Z", undefined));
    await assertCleared(disk);
  });

  test("leaves no limit to the next disk on the same device", { skip }, async () => {
    const first = await makeSlowDisk({ size: 64 << 20 });
    const number = readFileSync(path.join("/sys/block", path.basename(first.device), "dev"), "utf8").trim();
    await first.dispose();
    const limit = writeLimitOf(path.basename(first.device));
    assert.ok(!("reason" in limit));
    limit.set(number, 1);
    try {
      const second = await makeSlowDisk({ size: 64 << 20 });
      // Others on this machine may have taken the device meanwhile.
      if (second.device === first.device) assert.equal(limit.isSet(number), false);
      await second.dispose();
    } finally {
      limit.clear(number);
    }
  });
});

describe("a slow disk whose process lives", () => {
  for (const args of [[], ["sync"]]) {
    test(`is left alone, ${args[0] ?? "idle"}`, { skip }, async (t) => {
      const disk = await otherDisk(t, ...args);
      if (args.length > 0) await until("the process to wait for the disk", hasState(disk.pid, "D"));
      await clearStaleDisks();
      assert.deepEqual([disk.limited, disk.mounted, disk.attached], [true, true, true]);
      assert.ok(existsSync(disk.directory));
    });
  }

  test("is no longer its process's where the pid is another's by now", { skip }, async (t) => {
    const disk = await makeSlowDisk({ size: 64 << 20 });
    t.after(() => disk.dispose());
    const directory = path.dirname(disk.mountPoint);
    assert.equal(hasLiveOwner(directory), true);
    writeFileSync(path.join(directory, "ebb-owner"), `${process.pid} 1\n`);
    assert.equal(hasLiveOwner(directory), false);
  });
});

test("a device that is no slow disk is left alone", { skip }, async (t) => {
  const disk = await makeSlowDisk({ size: 64 << 20 });
  t.after(() => disk.dispose());
  const image = path.join(disk.mountPoint, "image");
  await must("truncate", ["--size=1M", image]);
  const device = (await must("losetup", ["--find", "--show", image])).trim();
  t.after(() => must("losetup", ["--detach", device]));
  await clearStaleDisks();
  assert.match(
    await must("losetup", ["--list", "--noheadings", "--output", "NAME"]),
    new RegExp(`^${device}$`, "m"),
  );
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { mountsAt } from "../../../src/client/mounts.ts";
import type { containerd } from "../../../src/proto/index.ts";
import type { Bench } from "../bench.ts";
import { about, type ConformanceCase } from "../case.ts";

type MountList = containerd.types.IMount[];

const MANY_LOWER = 200;

/** Makes directories of a case and returns their paths. */
function directories<const Names extends readonly string[]>(
  bench: Bench,
  ...names: Names
): { [At in keyof Names]: string } {
  const made = names.map((name) => {
    const dir = path.join(bench.dir, name);
    mkdirSync(dir, { recursive: true });
    return dir;
  });
  return made as { [At in keyof Names]: string };
}

function overlay(
  lower: readonly string[],
  writable?: { readonly upper: string; readonly work: string },
): MountList {
  const options = [`lowerdir=${lower.join(":")}`];
  if (writable !== undefined) options.unshift(`workdir=${writable.work}`, `upperdir=${writable.upper}`);
  return [{ type: "overlay", source: "overlay", options }];
}

const bind = (source: string, ...options: string[]) => ({
  type: "bind",
  source,
  options: ["rbind", ...options],
});

/** Runs a shell script over a rootfs to its end, deletes the container, and checks that no mount is left. */
async function runOver(bench: Bench, rootfs: MountList, script: string): Promise<number> {
  const container = await bench.stopped({ args: ["sh", "-c", script], request: { rootfs } });
  const { exitStatus } = await container.task.delete({ id: container.id });
  assert.deepEqual(await mountsAt(container.bundle.path), []);
  return exitStatus;
}

/** A copy of the shared root file system that may be written to: its programs, and directories to mount on. */
function ownRootfs(bench: Bench): string {
  const [dir] = directories(bench, "own");
  execFileSync("cp", ["-a", `${bench.target.lower}/.`, dir]);
  return dir;
}

export const mountCases = about("mounts", [
  {
    name: "what is written to an overlay is in its upper directory",
    async run(bench) {
      const [upper, work] = directories(bench, "upper", "work");
      const rootfs = overlay([bench.target.lower], { upper, work });
      assert.equal(await runOver(bench, rootfs, "echo hello >/file; rm /etc/hosts"), 0);
      assert.equal(readFileSync(path.join(upper, "file"), "utf8"), "hello\n");
      assert.ok(existsSync(path.join(bench.target.lower, "etc/hosts")));
    },
  },
  {
    name: "the first of several lower directories wins",
    async run(bench) {
      const [first, upper, work] = directories(bench, "first/etc", "upper", "work");
      writeFileSync(path.join(first, "hosts"), "first\n");
      const rootfs = overlay([path.dirname(first), bench.target.lower], { upper, work });
      assert.equal(await runOver(bench, rootfs, "grep -qx first /etc/hosts"), 0);
    },
  },
  {
    name: "an overlay without an upper directory cannot be written to",
    async run(bench) {
      const [first] = directories(bench, "first");
      assert.notEqual(await runOver(bench, overlay([first, bench.target.lower]), "echo hello >/file"), 0);
    },
  },
  {
    name: `an overlay has ${MANY_LOWER} lower directories, more than a page of options holds`,
    async run(bench) {
      const parents = Array.from(
        { length: MANY_LOWER - 1 },
        (_, at) => `snapshots/layer-${String(at).padStart(8, "0")}`,
      );
      const layers = directories(bench, ...parents.map((name) => `${name}/fs`));
      layers.forEach((layer, at) => void writeFileSync(path.join(layer, `layer-${at}`), ""));
      const [upper, work] = directories(bench, "snapshots/top/fs", "snapshots/top/work");
      const last = directories(bench, "snapshots/base/fs")[0];
      execFileSync("cp", ["-a", `${bench.target.lower}/.`, last]);
      const script = `test -e /layer-0 && test -e /layer-${MANY_LOWER - 2} && echo hello >/file`;
      assert.equal(await runOver(bench, overlay([...layers, last], { upper, work }), script), 0);
      assert.deepEqual(readdirSync(upper).includes("file"), true);
    },
  },
  {
    name: "the same upper directory is mounted again by the next container",
    async run(bench) {
      const [upper, work] = directories(bench, "upper", "work");
      const rootfs = overlay([bench.target.lower], { upper, work });
      assert.equal(await runOver(bench, rootfs, "echo 1 >/file"), 0);
      assert.equal(await runOver(bench, rootfs, "test $(cat /file) = 1 && echo 2 >/file"), 0);
      assert.equal(readFileSync(path.join(upper, "file"), "utf8"), "2\n");
    },
  },
  {
    name: "what is written to a bind mount is in its source",
    async run(bench) {
      const own = ownRootfs(bench);
      assert.equal(await runOver(bench, [bind(own, "rw")], "echo hello >/file"), 0);
      assert.equal(readFileSync(path.join(own, "file"), "utf8"), "hello\n");
    },
  },
  {
    name: "a read-only bind mount cannot be written to",
    async run(bench) {
      const own = ownRootfs(bench);
      assert.notEqual(await runOver(bench, [bind(own, "ro")], "echo hello >/file"), 0);
      assert.ok(!existsSync(path.join(own, "file")));
    },
  },
  {
    name: "flags of a mount are those that its options say",
    async run(bench) {
      const [first] = directories(bench, "first");
      const rootfs = overlay([first, bench.target.lower]);
      rootfs[0]?.options?.push("nosuid", "nodev", "noatime");
      const script = "grep ' / ' /proc/self/mounts | grep nosuid | grep nodev | grep -q noatime";
      assert.equal(await runOver(bench, rootfs, script), 0);
    },
  },
  {
    name: "of several mounts the last one is seen, and all are taken away",
    async run(bench) {
      const rootfs: MountList = [
        { type: "tmpfs", source: "tmpfs", options: ["size=1m", "mode=755"] },
        bind(bench.target.lower, "rw"),
      ];
      assert.equal(await runOver(bench, rootfs, "test -e /bin/busybox"), 0);
    },
  },
  {
    name: "an empty file system over all others hides them, and is taken away when Create fails",
    async run(bench) {
      const rootfs: MountList = [
        bind(bench.target.lower, "rw"),
        { type: "tmpfs", source: "tmpfs", options: ["size=1m"] },
      ];
      const container = await bench.launched();
      const failed = await container.create({ rootfs }).then(
        () => false,
        () => true,
      );
      assert.ok(failed, "a program was found in an empty rootfs");
      assert.deepEqual(await mountsAt(container.bundle.path), []);
    },
  },
  {
    name: "without mounts the root that config.json names is used as it is",
    async run(bench) {
      const container = await bench.stopped({
        args: ["sh", "-c", "test -e /bin/busybox"],
        request: { rootfs: [] },
        edit: ({ root }) => {
          root.path = bench.target.lower;
        },
      });
      assert.equal((await container.task.delete({ id: container.id })).exitStatus, 0);
    },
  },
  {
    name: "the rootfs is mounted as long as the container is there, and not longer",
    async run(bench) {
      const container = await bench.launched();
      const mounts = () => mountsAt(container.bundle.path);
      assert.deepEqual(await mounts(), []);
      await container.create();
      assert.deepEqual(await mounts(), [container.bundle.rootfs]);
      await container.task.start({ id: container.id });
      await container.kill();
      await container.task.delete({ id: container.id });
      assert.deepEqual(await mounts(), []);
    },
  },
  {
    name: "a mount that somebody made below the rootfs goes with it",
    promise: true,
    async run(bench) {
      const own = ownRootfs(bench);
      const container = await bench.stopped({ request: { rootfs: [bind(own, "rw")] } });
      execFileSync("mount", ["-t", "tmpfs", "none", path.join(container.bundle.rootfs, "tmp")]);
      await container.task.delete({ id: container.id });
      assert.deepEqual(await mountsAt(container.bundle.path), []);
    },
  },
] satisfies ConformanceCase[]);

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { whyNoCriu } from "../../lab/criu.ts";
import { settledLeftovers, snapshotLeftovers } from "../../lab/leftovers.ts";
import { until } from "../../lab/until.ts";
import { FifoTap } from "../support/fifo-tap.ts";
import { CONTROL, EBB, RUNTIMES } from "./runtimes.ts";
import {
  bundlePath,
  listedState,
  removeContainer,
  runArgs,
  type Scene,
  shimPid,
  startScene,
  withContainer,
} from "./scene.ts";
import { installUnderUsualName } from "./usual-name.ts";

const ACTED_CRIU = fileURLToPath(new URL("../../runc-fixtures/acted-criu", import.meta.url));
const MANY = 20;
/** Counts on from where a restore that is acted says that it was; one by CRIU goes on in the middle of this. */
const COUNT = `n=$(tail -n 1 /restored 2>/dev/null); n=\${n:-0}
  while :; do n=$((n+1)); echo $n >> /state; echo $n; usleep 10000; done`;

/** By whom processes are written down and made again, and what containers that is tried with. */
interface Kind {
  readonly title: string;
  /** Where the runc that has it done is, if not in PATH. */
  readonly runcDirs: readonly string[];
  /** How they are run: CRIU would want iptables to hold up a network of the container's own. */
  readonly flags: readonly string[];
  /** How they have their streams: CRIU refuses fifos of the host. */
  readonly stdio: "direct" | "relayed";
  readonly why: string | undefined;
}

const criu = { runcDirs: [], why: whyNoCriu() };
const KINDS: readonly Kind[] = [
  { title: "with CRIU's part acted", runcDirs: [ACTED_CRIU], flags: [], stdio: "direct", why: undefined },
  { ...criu, title: "without streams, by CRIU", flags: ["--net-host", "--null-io"], stdio: "direct" },
  { ...criu, title: "with relayed streams, by CRIU", flags: ["--net-host"], stdio: "relayed" },
];

for (const kind of KINDS) {
  const { title, why } = kind;
  if (why === undefined) describe(`checkpoints of containers ${title}`, () => checkpoints(kind));
  else console.log(`left out: checkpoints of containers ${title}, since it does not work here: ${why}`);
}

/** `ctr` gives options for a checkpoint to the usual runtime only: ours is installed under that name. */
function checkpoints({ runcDirs, flags, stdio }: Kind): void {
  for (const { ours, skip } of RUNTIMES) {
    describe(`with ${ours ? EBB.name : CONTROL.name}`, () => {
      const dirs: string[] = [];
      let scene: Scene;
      before(async () => {
        if (skip !== false) return;
        if (ours) dirs.push(installUnderUsualName());
        scene = await startScene({ shimDirs: [...dirs, ...runcDirs], env: { EBB_STDIO: stdio } });
      });
      after(async () => {
        await scene?.dispose();
        for (const dir of dirs) rmSync(dir, { recursive: true });
      });

      const ctr = (...args: string[]) => scene.containerd.mustCtr(args);
      const args = ["sh", "-c", COUNT];

      /** How far a container has counted. */
      const state = (id: string) => path.join(bundlePath(scene.containerd, id), "rootfs/state");
      const lines = (id: string) =>
        existsSync(state(id)) ? readFileSync(state(id), "utf8").split("\n").length - 1 : 0;
      const waitForMore = (id: string, than = lines(id)) =>
        until(`${id} to count on`, () => (lines(id) >= than + MANY ? true : undefined));

      /** A whole line of a container's output, by the fifo that its shim has open for it. */
      const said = async (id: string) => {
        const dir = `/proc/${await shimPid(scene.containerd, id)}/fd`;
        const links = readdirSync(dir).map((fd) => readlinkSync(path.join(dir, fd)));
        const fifo = links.find((link) => link.endsWith(`${id}-stdout`));
        assert.ok(fifo !== undefined, `${id} has a fifo`);
        const tap = new FifoTap(fifo);
        void tap.toEnd();
        const line = await until("a line", () => /\n(\d+)\n/.exec(tap.read)?.[1]);
        tap.close();
        return line;
      };

      test("are written while the container runs on, or as its end", { skip }, async () => {
        const id = "written";
        const [image, last] = ["image", "last"].map((name) => path.join(scene.containerd.root, name));
        assert.ok(image !== undefined && last !== undefined);
        await withContainer(scene, { runtime: CONTROL, id, args, flags }, async () => {
          await waitForMore(id);
          await ctr("task", "checkpoint", "--image-path", image, id);
          assert.notDeepEqual(readdirSync(image), []);
          assert.equal(await listedState(scene.containerd, id), "RUNNING");
          await waitForMore(id);
          await ctr("task", "checkpoint", "--exit", "--image-path", last, id);
          assert.notDeepEqual(readdirSync(last), []);
          assert.equal((await scene.events.waitFor(id, "/tasks/exit")).fields.exit_status, 137);
          assert.equal(await listedState(scene.containerd, id), "STOPPED");
          for (const dir of [image, last]) rmSync(dir, { recursive: true });
        });
      });

      test("are restored as containers that go on where they were", { skip }, async () => {
        const [id, again, image] = ["first", "second", "ebb.local/checkpoint:latest"];
        const { containerd } = scene;
        const scope = containerd.scope([id, again]);
        const clean = snapshotLeftovers(scope);
        await ctr(...runArgs(CONTROL, ["-d", ...flags], id, ...args));
        await waitForMore(id);
        await ctr("container", "checkpoint", "--task", "--rw", "--image", id, image);
        await waitForMore(id);
        await removeContainer(containerd, id);

        await ctr("container", "restore", "--live", "--rw", again, image);
        const before = lines(again);
        assert.ok(before >= MANY, "what was in the rootfs is there");
        await waitForMore(again, before);
        if (!flags.includes("--null-io")) assert.ok(Number(await said(again)) >= before, "it is heard");
        const counted = readFileSync(state(again), "utf8").trimEnd().split("\n");
        const all = counted.map((_, n) => `${n + 1}`);
        assert.deepEqual(counted, all);
        await removeContainer(containerd, again);
        await ctr("image", "rm", image);
        assert.deepEqual(await settledLeftovers(scope, clean), []);
      });
    });
  }
}

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { settledLeftovers, snapshotLeftovers } from "../../lab/leftovers.ts";
import { until } from "../../lab/until.ts";
import { readCgroupFile } from "./cgroup-file.ts";
import { type CriScene, startCriScene } from "./cri-scene.ts";
import { CONTROL, RUNTIMES, type Runtime } from "./runtimes.ts";
import { shimPid } from "./scene.ts";

const MEBIBYTE = 1 << 20;
const SHARES = { controller: "cpu", v1: "cpu.shares", v2: "cpu.weight" };
const MEMORY = { controller: "memory", v1: "memory.limit_in_bytes", v2: "memory.max" };

describe("under CRI", () => {
  let scene: CriScene;
  before(async () => {
    if (CONTROL.skip !== false) return;
    scene = await startCriScene();
    // What CRI makes once and keeps is no leftover.
    await withPod(CONTROL, "first", async () => {});
  });
  after(() => scene?.dispose());

  /** Runs a pod with a container that does nothing around a body; returns the pod's id and the container's. */
  async function withPod(
    runtime: Runtime,
    name: string,
    body: (container: string, pod: string) => Promise<void>,
  ): Promise<readonly [string, string]> {
    const { cri, containerd } = scene;
    const pod = await cri.runPod(name, runtime.ours ? "ebb" : "runc", `/${containerd.cgroupParent}`);
    const container = await cri.runContainer(pod, "main", ["sleep", "1000"]);
    await body(container, pod.id);
    await cri.stopPod(pod.id);
    await cri.removePod(pod.id);
    return [pod.id, container];
  }

  for (const runtime of RUNTIMES) {
    const { skip, name } = runtime;
    describe(name, () => {
      test("probes are run: their output, status, failure, and end when time is up", { skip }, async () => {
        const clean = snapshotLeftovers(scene.containerd.scope([]));
        const ids = await withPod(runtime, `${name}-probes`, async (container) => {
          const { cri } = scene;
          const said = await cri.exec(container, ["sh", "-c", "echo out; echo err >&2; exit 3"], 30);
          assert.deepEqual(said, { stdout: "out\n", stderr: "err\n", exitCode: 3 });
          await assert.rejects(
            cri.exec(container, ["/no/such"], 30),
            /ExecSync: .*no such file or directory/,
          );
          await assert.rejects(cri.exec(container, ["sleep", "998"], 1), /ExecSync: .*timeout 1s exceeded/);
          const { stdout } = await cri.exec(container, ["ps", "-o", "args"], 30);
          assert.match(stdout, /^sleep 1000$/m);
          assert.doesNotMatch(stdout, /sleep 998/);
        });
        assert.deepEqual(await settledLeftovers(scene.containerd.scope(ids), clean), []);
      });

      test("many probes, some at once, leave nothing in the shim", { skip }, () =>
        withPod(runtime, `${name}-many`, async (container, pod) => {
          const { cri, containerd } = scene;
          const shim = await shimPid(containerd, pod);
          const open = () => readdirSync(`/proc/${shim}/fd`).length;
          const probe = async (n: number) => {
            const { stdout, exitCode } = await cri.exec(container, ["echo", `${n}`], 60);
            assert.deepEqual([stdout, exitCode], [`${n}\n`, 0]);
          };
          await probe(0);
          const before = open();
          for (let n = 1; n <= 10; n++) await probe(n);
          await Promise.all(Array.from({ length: 10 }, (_, n) => probe(n)));
          // containerd's own shim keeps some of them, from 1.7 on.
          if (!runtime.ours) return;
          await until("the descriptors to be closed", () => (open() <= before ? true : undefined));
        }).then(() => {}),
      );

      test("new limits reach the kernel, and what is used comes from there", { skip }, () =>
        withPod(runtime, `${name}-limits`, async (container) => {
          const { cri, containerd } = scene;
          const row = (await containerd.mustCtr(["task", "ls"]))
            .split("\n")
            .find((line) => line.startsWith(container));
          const pid = Number(row?.split(/\s+/)[1]);
          await cri.update(container, { cpuShares: 512, memoryLimitInBytes: 64 * MEBIBYTE });
          assert.equal(readCgroupFile(pid, MEMORY), String(64 * MEBIBYTE));
          // What is 512 of version 1 is 20 of version 2.
          assert.ok(["512", "20"].includes(readCgroupFile(pid, SHARES)));
          await cri.update(container, { memoryLimitInBytes: 96 * MEBIBYTE });
          assert.equal(readCgroupFile(pid, MEMORY), String(96 * MEBIBYTE));
          const { cpuNanoseconds, memoryBytes } = await cri.usage(container);
          assert.ok(cpuNanoseconds > 0, "processor time was used");
          assert.ok(memoryBytes > 0 && memoryBytes < 96 * MEBIBYTE, `${memoryBytes} bytes are used`);
        }).then(() => {}),
      );
    });
  }
});

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { isFrozen } from "./cgroup-file.ts";
import { CONTROL, EBB, RUNTIMES, type Runtime } from "./runtimes.ts";
import { killContainer, listedState, type Scene, startScene, waitForState, withContainer } from "./scene.ts";
import { story } from "./story.ts";

/** What `ctr task metrics` shows of a container with two processes, without what differs from run to run. */
interface Figures {
  /** The names in the table. */
  readonly names: readonly string[];
  /** The parts of the JSON: figures that are zero are left out of it, parts are not. */
  readonly parts: readonly string[];
}

interface Metrics {
  readonly pids: { readonly current: number };
  readonly cpu: { readonly usage: { readonly total: number; readonly per_cpu: readonly number[] } };
  readonly memory: {
    readonly usage: { readonly usage: number; readonly max: number; readonly limit: number };
  };
}

const LIMIT = 64 << 20;

describe("ctr task", () => {
  let scene: Scene;
  before(async () => {
    if (CONTROL.skip === false) scene = await startScene();
  });
  after(() => scene?.dispose());

  const task = (...args: string[]) => scene.containerd.ctr(["task", ...args]);
  const mustTask = (...args: string[]) => scene.containerd.mustCtr(["task", ...args]);

  for (const runtime of RUNTIMES) {
    const { skip } = runtime;
    const prefix = runtime.ours ? "ebb-task" : "go-task";
    describe(runtime.name, () => {
      test("pauses a container and lets it go on, as is shown, told, and so in the kernel", { skip }, () => {
        const id = `${prefix}-pause`;
        return withContainer(scene, { runtime, id }, async () => {
          const pid = await initPid(id);
          await mustTask("pause", id);
          assert.deepEqual([await listedState(scene.containerd, id), isFrozen(pid)], ["PAUSED", true]);
          assert.equal((await task("pause", id)).exitCode, 1);
          assert.equal((await task("exec", "--exec-id", "one", id, "true")).exitCode, 1);
          await mustTask("resume", id);
          assert.deepEqual([await listedState(scene.containerd, id), isFrozen(pid)], ["RUNNING", false]);
          assert.equal((await task("resume", id)).exitCode, 1);
          assert.equal((await task("exec", "--exec-id", "one", id, "true")).exitCode, 0);
          await scene.events.waitForExec(id, "/tasks/exit", "one");
          const told = story(scene.events, id).filter((line) => !/exec|exit/.test(line));
          assert.deepEqual(told, ["create init", "start init", "paused init", "resumed init"]);
        });
      });

      test("kills a paused container", { skip }, () => {
        const id = `${prefix}-paused`;
        return withContainer(scene, { runtime, id }, async () => {
          await mustTask("pause", id);
          await killContainer(scene.containerd, id);
        });
      });

      test("sends a signal to the container, or to all that runs in it", { skip }, () => {
        const id = `${prefix}-kill`;
        // Its init takes no notice of the signal, and what the others wait for never comes.
        const args = ["sh", "-c", "trap 'echo heard' USR1; sleep 1000 & while :; do wait; sleep 1; done"];
        return withContainer(scene, { runtime, id, args }, async () => {
          await mustTask("exec", "-d", "--exec-id", "one", id, "sleep", "999");
          await mustTask("kill", "-s", "USR1", id);
          assert.equal(await listedState(scene.containerd, id), "RUNNING");
          await mustTask("kill", "--all", "-s", "KILL", id);
          await waitForState(scene.containerd, id, "STOPPED");
          const { fields } = await scene.events.waitForExec(id, "/tasks/exit", "one");
          assert.equal(fields.exit_status, 137);
        });
      });
    });
  }

  test("metrics has the same figures with both shims, and they fit what runs", {
    skip: EBB.skip,
  }, async () => {
    const control = await figures(CONTROL, "go-metrics");
    assert.deepEqual(await figures(EBB, "ebb-metrics"), control);
    assert.ok(control.names.length > 0 && control.parts.includes("memory.usage"));
  });

  async function figures(runtime: Runtime, id: string): Promise<Figures> {
    const flags = ["--memory-limit", String(LIMIT)];
    const seen: Figures[] = [];
    await withContainer(scene, { runtime, id, flags }, async () => {
      await mustTask("exec", "-d", "--exec-id", "one", id, "sleep", "999");
      const metrics: Metrics = JSON.parse(await mustTask("metrics", "--format", "json", id));
      assertPlausible(metrics);
      const table = await mustTask("metrics", id);
      seen.push({ names: namesIn(table), parts: partsOf(metrics).sort() });
      await killContainer(scene.containerd, id);
      const last: Metrics = JSON.parse(await mustTask("metrics", "--format", "json", id));
      assert.ok(last.cpu.usage.total >= metrics.cpu.usage.total, "the last figures are kept");
    });
    const [figures] = seen;
    assert.ok(figures !== undefined);
    return figures;
  }

  async function initPid(id: string): Promise<number> {
    return Number((await scene.events.waitFor(id, "/tasks/start")).fields.pid);
  }
});

function assertPlausible({ pids, cpu, memory }: Metrics): void {
  assert.equal(pids.current, 2);
  assert.ok(cpu.usage.total > 0 && cpu.usage.per_cpu.some((one) => one > 0), JSON.stringify(cpu));
  const { usage, max, limit } = memory.usage;
  assert.equal(limit, LIMIT);
  assert.ok(usage > 0 && usage <= max && max <= limit, JSON.stringify(memory.usage));
}

/** The first column of the table of figures. */
function namesIn(table: string): string[] {
  const lines = table.trimEnd().split("\n");
  return lines
    .slice(lines.findIndex((line) => line.startsWith("METRIC")))
    .map((line) => line.split(" ")[0] ?? "");
}

/** The paths of all objects in an object. */
function partsOf(value: object, at: readonly string[] = []): string[] {
  return Object.entries(value).flatMap(([key, inner]) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return [];
    return [[...at, key].join("."), ...partsOf(inner, [...at, key])];
  });
}

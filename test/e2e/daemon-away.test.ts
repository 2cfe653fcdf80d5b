import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { containerdVersion } from "../../lab/containerd-config.ts";
import { settledLeftovers, snapshotLeftovers } from "../../lab/leftovers.ts";
import { until } from "../../lab/until.ts";
import {
  assertWhole,
  type Counter,
  countingScript,
  FifoReader,
  isHeard,
  waitForMore,
  waitToHear,
} from "./counting.ts";
import { CONTROL, RUNTIMES } from "./runtimes.ts";
import {
  bundlePath,
  EXEC_ID,
  listedState,
  removeContainer,
  restartDaemon,
  runArgs,
  type Scene,
  startScene,
  waitForState,
  withContainer,
  withContainers,
} from "./scene.ts";
import { story } from "./story.ts";
import { Terminal } from "./terminal.ts";

/** Whether a daemon that starts removes the tasks whose processes have all ended, whatever was asked of it. */
const [MAJOR, MINOR] = containerdVersion();
const CLEARS = MAJOR > 1 || MINOR >= 7;
if (CLEARS)
  console.log("left out: how a container has ended while containerd was away, which this one clears away");

const SIZE = { columns: 91, rows: 31 };

describe("a containerd that is killed while containers run, and is started again later", () => {
  let scene: Scene;
  let scratch = "";
  const terminals: Terminal[] = [];
  before(async () => {
    if (CONTROL.skip !== false) return;
    scratch = mkdtempSync(path.join(os.tmpdir(), "ebb-test-away-"));
    scene = await startScene();
  });
  after(async () => {
    for (const terminal of terminals) terminal.close();
    await scene?.dispose();
    if (scratch !== "") rmSync(scratch, { recursive: true });
  });

  const task = (...args: string[]) => scene.containerd.mustCtr(["task", ...args]);
  const inRootfs = (id: string, ...name: string[]) =>
    path.join(bundlePath(scene.containerd, id), "rootfs", ...name);
  const counting = (name: string) => ["sh", "-c", countingScript(name)];

  async function fifoOf(id: string): Promise<FifoReader> {
    const { fields } = await scene.events.waitFor(id, "/tasks/create");
    return new FifoReader((fields.io as { stdout: string }).stdout);
  }

  /** Something that counts into a file of ours. */
  function logged(id: string, name: string): Counter & { readonly uri: string } {
    const file = path.join(scratch, `${id}-${name}`);
    writeFileSync(file, "");
    return { rootfs: inRootfs(id), name, text: () => readFileSync(file, "utf8"), uri: `file://${file}` };
  }

  for (const runtime of RUNTIMES) {
    const { skip } = runtime;
    const prefix = runtime.ours ? "ebb-away" : "go-away";
    describe(runtime.name, () => {
      test("loses no line of a pipe, whose reader stays or comes back, or of a file", { skip }, () => {
        const [id, other] = [`${prefix}-output`, `${prefix}-log`];
        const [log, execLog] = [logged(other, "count"), logged(other, "exec")];
        const args = counting("count");
        const flags = ["--log-uri", log.uri];
        const containers = [
          { runtime, id, args },
          { runtime, id: other, args, flags },
        ];
        return withContainers(scene, containers, async () => {
          const exec = ["--exec-id", "one", "--log-uri", execLog.uri, other, ...counting("exec")];
          await task("exec", "-d", ...exec);
          const fifo = await fifoOf(id);
          const piped: Counter = { rootfs: inRootfs(id), name: "count", text: () => fifo.text() };
          const counters = [piped, log, execLog];
          const all = async (see: (counter: Counter) => Promise<true>) => {
            for (const counter of counters) await see(counter);
          };
          for (const one of [id, other]) writeFileSync(inRootfs(one, "go"), "");
          await all(waitForMore);
          await scene.containerd.kill();
          await all(waitToHear);
          fifo.leave();
          await all(waitForMore);
          await restartDaemon(scene);
          await all(waitForMore);
          fifo.comeBack();
          await all(waitToHear);
          for (const one of [id, other]) {
            writeFileSync(inRootfs(one, "stop"), "");
            assert.equal((await scene.events.waitFor(one, "/tasks/exit")).fields.exit_status, 4);
          }
          await until("all to be heard", () => (counters.every(isHeard) ? true : undefined));
          counters.forEach(assertWhole);
          fifo.leave();
        });
      });

      test("finds the terminal of a container again", { skip }, async () => {
        const id = `${prefix}-terminal`;
        const { containerd } = scene;
        const scope = containerd.scope([id]);
        const clean = snapshotLeftovers(scope);
        assert.equal(await open(runArgs(runtime, ["-t", "-d"], id, "sh")).exitCode(), 0);
        const shell = open(["task", "attach", id]);
        shell.type("word=kept; echo $word\n");
        await shell.waitFor(/\nkept\n/);
        // The client dies as well: one that ends by itself, with or without a daemon, takes the pipes with it.
        shell.close();
        await containerd.kill();
        await restartDaemon(scene);
        const again = open(["task", "attach", id]);
        again.type("echo still $word\n");
        await again.waitFor(/\nstill kept\n/);
        again.resize({ columns: 132, rows: 43 });
        await until("the new size", () => {
          again.type("stty size\n");
          return again.shown.includes("\n43 132\n") ? true : undefined;
        });
        again.type("exit 7\n");
        assert.equal(await again.exitCode(), 7, again.shown);
        await removeContainer(containerd, id);
        assert.deepEqual(await settledLeftovers(scope, clean), []);
      });

      test("ends an exec that was in progress", { skip }, () => {
        const id = `${prefix}-exec`;
        return withContainer(scene, { runtime, id }, async () => {
          await task("exec", "-d", "--exec-id", "one", id, "sleep", "999");
          await restartDaemon(scene);
          assert.equal(EXEC_ID.exec(await task("ps", id))?.[1], "one");
          await task("kill", "-s", "KILL", "--exec-id", "one", id);
          const { fields } = await scene.events.waitForExec(id, "/tasks/exit", "one");
          assert.equal(fields.exit_status, 137);
          assert.equal(await listedState(scene.containerd, id), "RUNNING");
        });
      });

      if (CLEARS) return;
      test("knows how a container has ended meanwhile", { skip }, () => {
        const id = `${prefix}-exited`;
        return withContainer(scene, { runtime, id, args: counting("count") }, async () => {
          const { fields } = await scene.events.waitFor(id, "/tasks/start");
          writeFileSync(inRootfs(id, "go"), "");
          await scene.containerd.kill();
          writeFileSync(inRootfs(id, "stop"), "");
          await untilGone(Number(fields.pid));
          await restartDaemon(scene);
          await waitForState(scene.containerd, id, "STOPPED");
          const { stderr } = await scene.containerd.ctr(["task", "rm", id]);
          assert.match(stderr, /exit with non-zero exit code 4/);
        });
      });

      test("is told every exit meanwhile, in order and once, and then the deletions", { skip }, async () => {
        const ids = [8, 9].map((status) => `${prefix}-told-${status}`);
        const execs = [1, 2, 3, 4, 5];
        const containers = ids.map((id) => ({ runtime, id, args: waiting("init", Number(id.at(-1))) }));
        await withContainers(scene, containers, async () => {
          for (const id of ids) {
            for (const n of execs) await task("exec", "-d", "--exec-id", `e${n}`, id, ...waiting(`e${n}`, n));
          }
          const pids = new Map(ids.map((id) => [id, pidsOf(id)]));
          await scene.containerd.kill();
          for (const name of [...execs.map((n) => `e${n}`), "init"]) {
            for (const id of ids) {
              writeFileSync(inRootfs(id, name), "");
              await untilGone(pids.get(id)?.get(name) ?? 0);
            }
          }
          await restartDaemon(scene, { deaf: true });
          scene.containerd.hear();
          for (const id of ids) await scene.events.waitFor(id, "/tasks/exit");
        });
        for (const id of ids) {
          await scene.events.waitFor(id, "/tasks/delete");
          const exits = execs.map((n) => `exit e${n} ${n}`);
          const expected = [...exits, `exit init ${id.at(-1)}`, "delete init"];
          // What containerd's own shim has to send again may come in another order.
          const ordered = (told: string[]) => (runtime.ours ? told : told.sort());
          assert.deepEqual(ordered(story(scene.events, id)), ordered(expected));
        }
      });
    });
  }

  /** The pids of a container's processes by the names of what they wait for. */
  function pidsOf(id: string): Map<string, number> {
    const started = scene.events.tasks(id).filter(({ topic }) => /start/.test(topic));
    return new Map(started.map(({ fields }) => [String(fields.exec_id ?? "init"), Number(fields.pid)]));
  }

  /** `ctr` in a terminal that is closed in the end. */
  function open(args: readonly string[]): Terminal {
    const terminal = new Terminal("ctr", scene.containerd.ctrArgs(args), SIZE);
    terminals.push(terminal);
    return terminal;
  }
});

/** A program that exits with a status when there is a file of a name. */
function waiting(name: string, status: number): string[] {
  return ["sh", "-c", `until [ -e /${name} ]; do usleep 10000; done; exit ${status}`];
}

/** Waits until there is no process of a pid. */
function untilGone(pid: number): Promise<true> {
  return until(`process ${pid} to be gone`, () => (existsSync(`/proc/${pid}`) ? undefined : true));
}

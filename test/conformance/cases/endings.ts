import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { until } from "../../../lab/until.ts";
import { about, type ConformanceCase } from "../case.ts";
import { expectOutcome, stateName } from "../expect.ts";
import { execReady, runningReady } from "../ready.ts";

/** Signals whose default is to end a process; the init of a pid namespace ignores them, an added process does not. */
const DEADLY: readonly (readonly [string, number])[] = [
  ["SIGHUP", 1],
  ["SIGINT", 2],
  ["SIGQUIT", 3],
  ["SIGABRT", 6],
  ["SIGKILL", 9],
  ["SIGUSR1", 10],
  ["SIGUSR2", 12],
  ["SIGPIPE", 13],
  ["SIGALRM", 14],
  ["SIGTERM", 15],
  ["SIGRTMAX", 64],
];

const bySignal = DEADLY.map(
  ([name, signal]): ConformanceCase => ({
    name: `a process that ${name} ends has exit status ${128 + signal}`,
    async run(bench) {
      const container = await bench.running();
      const { id, task } = container;
      const pid = await execReady(bench, container, "e1", "echo ready; exec sleep 1000");
      // While busybox's shell makes way for it, a SIGQUIT is lost.
      await until("the shell to be gone", () => (commandOf(pid) === "sleep" ? true : undefined));
      await task.kill({ id, execId: "e1", signal });
      assert.equal((await task.wait({ id, execId: "e1" })).exitStatus, 128 + signal);
      assert.equal((await task.delete({ id, execId: "e1" })).exitStatus, 128 + signal);
    },
  }),
);

const STATUSES = [0, 1, 2, 63, 126, 127, 128, 137, 254, 255];

const byStatus = STATUSES.map(
  (status): ConformanceCase => ({
    name: `exit status ${status} comes back from init and from a process`,
    async run(bench) {
      const script = `trap "exit ${status}" TERM; echo ready; sleep 1000 & wait`;
      const container = await runningReady(bench, script);
      const { id, task } = container;
      assert.equal(await container.execEnded("e1", { args: ["sh", "-c", `exit ${status}`] }), status);
      await task.kill({ id, signal: 15 });
      assert.equal((await task.wait({ id })).exitStatus, status);
      assert.equal((await task.state({ id })).exitStatus, status);
    },
  }),
);

/** Ends with this status when SIGUSR1 comes. */
const untilSignal = (status: number) =>
  `trap 'exit ${status}' USR1; echo ready; while :; do sleep 0.05; done`;

const kills: ConformanceCase[] = [
  {
    name: "a signal that init catches reaches it, and nobody else",
    async run(bench) {
      const container = await runningReady(bench, untilSignal(12));
      const { id, task } = container;
      await execReady(bench, container, "e1", untilSignal(13));
      await task.kill({ id, signal: 10 });
      assert.equal((await task.wait({ id })).exitStatus, 12);
      assert.equal((await task.wait({ id, execId: "e1" })).exitStatus, 137);
    },
  },
  {
    name: "a signal that init does not catch does not end it",
    async run(bench) {
      const { id, task } = await bench.running();
      await task.kill({ id, signal: 15 });
      assert.equal(stateName((await task.state({ id })).status), "running");
    },
  },
  {
    name: "a signal to all reaches every process",
    async run(bench) {
      const container = await runningReady(bench, untilSignal(21));
      const { id, task } = container;
      await execReady(bench, container, "e1", untilSignal(22));
      await task.kill({ id, signal: 10, all: true });
      assert.equal((await task.wait({ id })).exitStatus, 21);
      assert.match(String((await task.wait({ id, execId: "e1" })).exitStatus), /^(22|137)$/);
    },
  },
  {
    name: "a process that stops itself is still running, and goes on when told",
    async run(bench) {
      const container = await bench.running();
      const { id, task } = container;
      const pid = await execReady(bench, container, "e1", "echo ready; kill -STOP $$; exit 6");
      await until("the process to stop", () => (isStopped(pid) ? true : undefined));
      assert.equal(stateName((await task.state({ id, execId: "e1" })).status), "running");
      await task.kill({ id, execId: "e1", signal: 18 });
      assert.equal((await task.wait({ id, execId: "e1" })).exitStatus, 6);
    },
  },
  {
    name: "a process that kills itself by SIGSEGV has exit status 139",
    async run(bench) {
      const container = await bench.running();
      assert.equal(await container.execEnded("e1", { args: ["sh", "-c", "kill -SEGV $$"] }), 139);
    },
  },
  {
    name: "what the init leaves behind ends with it",
    async run(bench) {
      const { id, task } = await bench.stopped({ args: ["sh", "-c", "sleep 1000 & sleep 1000 & exit 3"] });
      assert.equal((await task.delete({ id })).exitStatus, 3);
    },
  },
];

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
}

function isStopped(pid: number): boolean {
  return /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}

const waits: ConformanceCase[] = [
  {
    name: "every Wait that is under way is answered, and every later one the same",
    async run(bench) {
      const container = await bench.running();
      const { id, task } = container;
      const early = Array.from({ length: 10 }, () => task.wait({ id }));
      await task.kill({ id, signal: 9 });
      const answers = [...(await Promise.all(early)), await task.wait({ id })];
      for (const { exitStatus, exitedAt } of answers) {
        assert.equal(exitStatus, 137);
        assert.deepEqual(exitedAt, answers[0]?.exitedAt);
      }
    },
  },
  {
    name: "a Wait from before Start is answered",
    async run(bench) {
      const { id, task } = await bench.created({ args: ["sh", "-c", "exit 8"] });
      const waiting = task.wait({ id });
      await task.start({ id });
      assert.equal((await waiting).exitStatus, 8);
    },
  },
  {
    name: "a Wait for a process from before its Start is answered",
    async run(bench) {
      const container = await bench.running();
      const { id, task } = container;
      await container.exec("e1", { args: ["sh", "-c", "exit 8"] });
      const waiting = task.wait({ id, execId: "e1" });
      await task.start({ id, execId: "e1" });
      assert.equal((await waiting).exitStatus, 8);
    },
  },
  {
    name: "State of a stopped container has pid, status and time of its exit",
    async run(bench) {
      const { id, task, bundle } = await bench.stopped();
      const { exitedAt } = await task.wait({ id });
      const state = await task.state({ id });
      assert.deepEqual([state.id, state.bundle, state.exitStatus], [id, bundle.path, 7]);
      assert.deepEqual(state.exitedAt, exitedAt);
    },
  },
  {
    name: "a stopped process is told of once it is waited for, though its container lives",
    async run(bench) {
      const container = await bench.running();
      const { id, task } = container;
      const pid = await container.execStarted("e1", { args: ["sh", "-c", "exit 4"] });
      await task.wait({ id, execId: "e1" });
      const state = await task.state({ id, execId: "e1" });
      assert.deepEqual([state.pid, state.exitStatus], [pid, 4]);
      const deleted = await task.delete({ id, execId: "e1" });
      assert.deepEqual([deleted.pid, deleted.exitStatus], [pid, 4]);
      await expectOutcome(task.wait({ id, execId: "e1" }), "not found");
    },
  },
];

export const endingCases = about("endings", [...bySignal, ...byStatus, ...kills, ...waits]);

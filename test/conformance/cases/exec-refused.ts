import assert from "node:assert/strict";
import type { Bench } from "../bench.ts";
import { about, type ConformanceCase } from "../case.ts";
import { expectOutcome, stateName } from "../expect.ts";
import { specAny } from "../options.ts";
import type { ExecPlan, TestContainer } from "../test-container.ts";

const REFUSED = "refused|not found|permission denied|unimplemented";

/** Processes that Exec takes and Start cannot run. */
const UNSTARTABLE: Readonly<Record<string, ExecPlan>> = {
  "a program that is not there": { args: ["/bin/nowhere"] },
  "a program that is not in PATH": { args: ["nowhere"] },
  "a program that is not executable": { args: ["/etc/passwd"] },
  "a program that is a directory": { args: ["/etc"] },
  "no program at all": { args: [] },
  "a working directory that is not there": { args: ["true"], process: { cwd: "/nowhere" } },
  "a working directory that is relative": { args: ["true"], process: { cwd: "tmp" } },
  "a user that may not run it": { args: ["/root/x"], process: { user: { uid: 65534, gid: 65534 } } },
  "a capability that nobody knows": {
    args: ["true"],
    process: { rlimits: [{ type: "RLIMIT_NOBODY_KNOWS", hard: 1, soft: 1 }] },
  },
};

async function expectUnharmed(container: TestContainer): Promise<void> {
  const { id, task } = container;
  assert.equal(stateName((await task.state({ id })).status), "running");
  assert.equal(await container.execEnded("after", { args: ["sh", "-c", "exit 4"] }), 4);
}

const unstartable = Object.entries(UNSTARTABLE).map(
  ([flaw, plan]): ConformanceCase => ({
    name: `${flaw} is refused at Start, can be deleted, and does the container no harm`,
    async run(bench: Bench) {
      const container = await bench.running();
      const { id, task } = container;
      await container.exec("e1", plan);
      await expectOutcome(task.start({ id, execId: "e1" }), REFUSED, "Start");
      assert.match(stateName((await task.state({ id, execId: "e1" })).status), /^(created|stopped)$/);
      await task.delete({ id, execId: "e1" });
      await expectUnharmed(container);
    },
  }),
);

const fifo = (dir: string) => ({ stdout: `${dir}/no/out`, stderr: `${dir}/no/err` });

/** Requests that are wrong in themselves, and so refused by Exec or by Start. */
const WRONG: Readonly<Record<string, (bench: Bench) => ExecPlan>> = {
  "a process that is no JSON": () => ({ spec: specAny("Process", "{") }),
  "a process that is missing": () => ({ spec: null }),
  "a stdout that leads nowhere": ({ dir }) => fifo(dir),
  "an id that leads out of its directory": () => ({ execId: "../e1" }),
};

const wrong = Object.entries(WRONG).map(
  ([flaw, plan]): ConformanceCase => ({
    name: `${flaw} is refused, and does the container no harm`,
    async run(bench: Bench) {
      const container = await bench.running();
      const { id, task } = container;
      const execId = plan(bench).execId ?? "e1";
      const call = container.exec("e1", plan(bench)).then(() => task.start({ id, execId }));
      await expectOutcome(call, REFUSED, "Exec and Start");
      await expectUnharmed(container);
    },
  }),
);

export const execRefusedCases = about("exec", [...unstartable, ...wrong]);

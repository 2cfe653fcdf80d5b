import assert from "node:assert/strict";
import { createTaskClient } from "../../../src/client/index.ts";
import { connect } from "../../../src/ttrpc/index.ts";
import { about, type ConformanceCase } from "../case.ts";
import { stateName } from "../expect.ts";
import { expectHistory } from "../history.ts";
import { runningReady } from "../ready.ts";

export const restartCases = about("restarts", [
  {
    name: "an exit while the daemon is away is told of when it is back, once",
    async run(bench) {
      const { id, task } = await runningReady(bench, "trap 'exit 7' TERM; echo ready; sleep 1000 & wait");
      await expectHistory(bench, id, ["create", "start"]);
      await bench.stopListening();
      await task.kill({ id, signal: 15 });
      await task.wait({ id });
      await bench.listen();
      await expectHistory(bench, id, ["exit 7"]);
    },
  },
  {
    name: "exits and the delete while the daemon is away are told of in order, each once",
    async run(bench) {
      const container = await bench.running();
      const { id, task } = container;
      await container.execStarted("e1");
      await expectHistory(bench, id, ["create", "start", "exec-added e1", "exec-started e1"]);
      await bench.stopListening();
      await task.kill({ id, execId: "e1", signal: 9 });
      await task.wait({ id, execId: "e1" });
      await container.kill();
      await task.delete({ id });
      await bench.listen();
      await expectHistory(bench, id, ["exit e1 137", "exit 137", "delete 137"]);
    },
  },
  {
    name: "a whole life while the daemon's events are away is lived all the same",
    async run(bench) {
      const container = await bench.launched({ args: ["sh", "-c", "exit 5"] });
      await bench.stopListening();
      await container.create();
      const { id, task } = container;
      await task.start({ id });
      assert.equal((await task.wait({ id })).exitStatus, 5);
      await task.delete({ id });
      await bench.listen();
    },
  },
  {
    name: "events after the daemon is back follow those before, and none comes twice",
    async run(bench) {
      const container = await bench.running();
      const { id, task } = container;
      await expectHistory(bench, id, ["create", "start"]);
      await bench.stopListening();
      await bench.listen();
      await task.pause({ id });
      await task.resume({ id });
      await container.kill();
      await expectHistory(bench, id, ["paused", "resumed", "exit 137"]);
    },
  },
  {
    name: "a daemon that is back finds its container by the address alone",
    async run(bench) {
      const container = await bench.running();
      const { id, shim } = container;
      shim.connection.close();
      const connection = await connect(shim.answer.address);
      bench.atEnd(() => connection.close());
      const task = createTaskClient(2, connection);
      assert.equal(stateName((await task.state({ id })).status), "running");
      await task.kill({ id, signal: 9 });
      assert.equal((await task.wait({ id })).exitStatus, 137);
      await task.delete({ id });
      await container.launch();
    },
  },
] satisfies ConformanceCase[]);

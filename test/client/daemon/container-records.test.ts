import assert from "node:assert/strict";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusCode } from "../../../src/base/status.ts";
import { ContainerRecords } from "../../../src/client/daemon/container-records.ts";
import { stateOf, statusOf } from "../../../src/client/daemon/container-state.ts";
import { newStatus } from "../../../src/client/daemon/status.ts";
import { status } from "../../support/status.ts";
import { scratchDir } from "../support.ts";
import { configOf } from "./fake-supervisor.ts";

const root = scratchDir();
let made = 0;

async function newRecords(): Promise<ContainerRecords> {
  made += 1;
  const records = new ContainerRecords(path.join(root, String(made)));
  await records.prepare();
  return records;
}

describe("the records of containers", () => {
  test("say what was put there, the oldest first, and are for root alone", async () => {
    const records = await newRecords();
    const [late, early] = ["02", "01"].map((day) =>
      configOf(`c${day}`, { createdAt: `2026-01-${day}T00:00:00Z` }),
    );
    for (const config of [late, early]) if (config) await records.add(config, "/layers/x");
    await records.save("c01", { phase: "running", pid: 7 });
    assert.deepEqual(await records.list(), {
      records: [
        { config: early, state: { phase: "running", pid: 7 } },
        { config: late, state: undefined },
      ],
      broken: [],
      empty: [],
    });
    const dir = records.directory("c01");
    assert.equal(statSync(dir).mode & 0o777, 0o700);
    for (const name of ["container.json", "state.json"]) {
      assert.equal(statSync(path.join(dir, name)).mode & 0o777, 0o600);
    }
    assert.deepEqual(readdirSync(dir).sort(), ["container.json", "layer", "state.json"]);
    assert.equal(await records.layerOf("c01"), "/layers/x");
    assert.equal(await records.layerOf("none"), undefined);
  });

  test("have one of an id", async () => {
    const records = await newRecords();
    await records.add(configOf("c"), "/layers/c.1");
    await assert.rejects(
      records.add(configOf("c"), "/layers/c.1"),
      status(StatusCode.alreadyExists, /c exists already/),
    );
  });

  test("are taken away as a whole, the id is free, and where its data is is told", async () => {
    const records = await newRecords();
    await records.add(configOf("c"), "/layers/c.1");
    assert.equal(await records.discard("c"), "/layers/c.1");
    assert.deepEqual(readdirSync(records.all), []);
    assert.equal(await records.discard("c"), undefined);
    await records.add(configOf("c"), "/layers/c.2");
    assert.equal(await records.discard("c"), "/layers/c.2");
  });

  test("that a killed supervisor was about to remove are removed by the next", async () => {
    const records = await newRecords();
    mkdirSync(path.join(records.all, ".c.1.1"));
    assert.deepEqual(await records.list(), { records: [], broken: [], empty: [] });
    await records.prepare();
    assert.deepEqual(readdirSync(records.all), []);
  });

  const broken: [what: string, text: string, problem: RegExp][] = [
    ["is cut short", '{"id":', /container.json: the document is not JSON/],
    ["is empty", "", /is empty/],
    ["lacks a field", '{"id":"bad"}', /must have/],
    ["is about another", JSON.stringify(configOf("other")), /about another container, other/],
  ];
  for (const [what, text, problem] of broken) {
    test(`show the others beside one that ${what}, and say so`, async () => {
      const records = await newRecords();
      await records.add(configOf("good"), "/layers/good.1");
      mkdirSync(records.directory("bad"));
      writeFileSync(path.join(records.directory("bad"), "container.json"), text);
      const list = await records.list();
      assert.deepEqual(
        list.records.map(({ config }) => config.id),
        ["good"],
      );
      assert.equal(list.broken[0]?.id, "bad");
      assert.match(list.broken[0]?.problem ?? "", problem);
    });
  }

  test("know what has a directory and nothing else from what cannot be read", async () => {
    const records = await newRecords();
    mkdirSync(records.directory("bare"));
    writeFileSync(path.join(path.dirname(records.directory("x")), "a file"), "");
    assert.deepEqual(await records.list(), { records: [], broken: [], empty: ["bare"] });
  });
});

describe("the state on record", () => {
  const ending = { exitStatus: 137, exitedAt: new Date("2026-01-02T03:04:05.678Z") };

  test("brings back what was known, unconfirmed as long as it may have changed", () => {
    const rows = [
      newStatus("c", { phase: "created", pid: 5 }),
      newStatus("c", { phase: "running", pid: 5, outOfMemory: true }),
      newStatus("c", { phase: "stopped", pid: 5, ending }),
      newStatus("c", { phase: "stopped", pid: 5 }),
    ];
    for (const row of rows) {
      const back = statusOf("c", JSON.parse(JSON.stringify(stateOf(row))));
      assert.deepEqual(back, { ...row, confirmed: row.phase === "stopped" });
    }
  });

  test("has a paused container as one that runs: its shim says more", () => {
    assert.equal(stateOf(newStatus("c", { phase: "paused", pid: 5 })).phase, "running");
  });
});

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { hasCode, StatusCode } from "../../../src/base/status.ts";
import { type ShimLine, serverOf } from "../../../src/client/daemon/server.ts";
import {
  configToWire,
  endingFromWire,
  eventFromWire,
  viewFromWire,
  viewsFromWire,
} from "../../../src/client/daemon/wire.ts";
import { EventLog } from "../../../src/client/event-log.ts";
import { supervisor as service } from "../../../src/proto/own.ts";
import { ClientConnection, createClient, memoryPair } from "../../../src/ttrpc/index.ts";
import { configOf, FakeSupervisor } from "./fake-supervisor.ts";

const supervisor = new FakeSupervisor();
const shimLog = new EventLog<ShimLine>(10);
const server = serverOf(supervisor, { version: "1.2.3", shimLog });
const [near, far] = memoryPair();
server.accept(far);
const calls = createClient(service, new ClientConnection(near));
after(() => server.close());

/** What the supervisor was asked by a call. */
async function askedBy(work: () => Promise<unknown>): Promise<unknown[][]> {
  supervisor.asked.length = 0;
  await work();
  return [...supervisor.asked];
}

describe("a supervisor that is served", () => {
  test("says which version it is of, and which process", async () => {
    const { version, pid } = await calls.hello({});
    assert.deepEqual([version, pid], ["1.2.3", process.pid]);
  });

  test("is asked for a container as its caller has described it", async () => {
    const config = configOf("web", { memoryBytes: 64 << 20, cpus: 0.5, env: ["A=ä"], stopSignal: "SIGINT" });
    const stdio = { stdin: "", stdout: "/x/out", stderr: "" };
    const asked = await askedBy(async () => {
      const view = viewFromWire(await calls.create({ config: configToWire(config), stdio }));
      assert.deepEqual(view.config, config);
      assert.equal(view.status.phase, "created");
    });
    assert.deepEqual(asked, [["create", "web", { stdout: "/x/out" }]]);
  });

  test("refuses what is no configuration", async () => {
    const rejected = (error: unknown) => hasCode(error, StatusCode.invalidArgument);
    await assert.rejects(calls.create({ config: Buffer.from("{") }), rejected);
  });

  test("tells all of a container's status", async () => {
    const ending = { exitStatus: 137, exitedAt: new Date(1_700_000_000_123) };
    const status = {
      phase: "stopped",
      pid: 9,
      ending,
      outOfMemory: true,
      confirmed: true,
      problem: "busy",
    } as const;
    const put = supervisor.put(configOf("dead"), status);
    assert.deepEqual(viewFromWire(await calls.find({ idOrPrefix: "dead" })), put);
    const plain = supervisor.put(configOf("new"), { confirmed: false });
    assert.deepEqual(viewFromWire(await calls.find({ idOrPrefix: "new" })), plain);
    assert.deepEqual(await viewsFromWire(calls.list({})), supervisor.list());
  });

  test("lists more containers than one message can hold", async () => {
    const lowerDirs = Array.from({ length: 100 }, (_, n) => `/layers/${"0".repeat(64)}${n}`);
    const ids = Array.from({ length: 800 }, (_, n) => `many-${n}`);
    for (const id of ids) supervisor.put(configOf(id, { lowerDirs }));
    try {
      assert.deepEqual(await viewsFromWire(calls.list({})), supervisor.list());
    } finally {
      for (const id of ids) supervisor.views.delete(id);
    }
  });

  test("answers an error as it is", async () => {
    await assert.rejects(calls.find({ idOrPrefix: "none" }), (error: Error) => {
      assert.ok(hasCode(error, StatusCode.notFound));
      assert.equal(error.message, "there is no container none");
      return true;
    });
  });

  const rows: [name: string, call: () => Promise<unknown>, asked: unknown[]][] = [
    ["start", () => calls.start({ id: "web" }), ["start", "web"]],
    ["stop", () => calls.stop({ id: "web", graceMs: 10 }), ["stop", "web", { graceMs: 10 }]],
    [
      "stop by a signal",
      () => calls.stop({ id: "web", signal: 2 }),
      ["stop", "web", { graceMs: 0, signal: 2 }],
    ],
    ["pause", () => calls.pause({ id: "web" }), ["pause", "web"]],
    ["resume", () => calls.resume({ id: "web" }), ["resume", "web"]],
    ["remove", () => calls.remove({ id: "web" }), ["remove", "web", { force: false }]],
    ["remove by force", () => calls.remove({ id: "web", force: true }), ["remove", "web", { force: true }]],
    ["wait", () => calls.wait({ id: "web" }), ["wait", "web", undefined]],
    ["wait for an exec", () => calls.wait({ id: "web", execId: "x" }), ["wait", "web", "x"]],
    ["kill", () => calls.kill({ id: "web", signal: 9 }), ["kill", "web", 9, { all: false }]],
    [
      "kill an exec",
      () => calls.kill({ id: "web", execId: "x", signal: 9, all: true }),
      ["kill", "web", 9, { execId: "x", all: true }],
    ],
    [
      "resize",
      () => calls.resizePty({ id: "web", width: 80, height: 25 }),
      ["resize", "web", "", { width: 80, height: 25 }],
    ],
    ["close stdin", () => calls.closeStdin({ id: "web", execId: "x" }), ["closeStdin", "web", "x"]],
    [
      "exec",
      () => calls.exec({ id: "web", execId: "x", args: ["ls"], terminal: true, stdio: { stdout: "/o" } }),
      ["exec", "web", { execId: "x", args: ["ls"], env: [], terminal: true, stdio: { stdout: "/o" } }],
    ],
    [
      "exec as somebody, somewhere",
      () => calls.exec({ id: "web", execId: "x", args: ["ls"], env: ["A=1"], cwd: "/tmp", user: "app" }),
      [
        "exec",
        "web",
        { execId: "x", args: ["ls"], env: ["A=1"], terminal: false, stdio: {}, cwd: "/tmp", user: "app" },
      ],
    ],
  ];
  for (const [name, call, asked] of rows) {
    test(`is asked to ${name}`, async () => assert.deepEqual(await askedBy(call), [asked]));
  }

  test("tells how a process has ended, and when where that is known", async () => {
    const known = endingFromWire(await calls.stop({ id: "web" }));
    assert.deepEqual(known, { exitStatus: 143, exitedAt: new Date(5) });
    assert.deepEqual(endingFromWire(await calls.wait({ id: "web" })), { exitStatus: 3, exitedAt: undefined });
  });

  test("hands on figures and events as the shim has sent them", async () => {
    const { typeUrl, value } = await calls.stats({ id: "web" });
    assert.deepEqual([typeUrl, Buffer.from(value).toString()], ["figures", "7"]);
    for await (const message of calls.events({})) {
      const event = eventFromWire(message);
      assert.deepEqual(
        [event.topic, event.timestamp?.getTime(), event.type],
        ["/tasks/other", 1_500, "unknown"],
      );
      break;
    }
  });

  test("hands on what the shim of a container logs from now on, and no other's", async () => {
    shimLog.add({ id: "web", text: "long ago", at: 5 });
    const lines = calls.shimLog({ id: "web" });
    const first = lines.next();
    await calls.hello({});
    shimLog.add({ id: "db", text: "another", at: Date.now() });
    shimLog.add({ id: "web", text: "now", at: Date.now() });
    assert.equal((await first).value?.text, "now");
    await lines.return();
  });
});

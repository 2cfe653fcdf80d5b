import assert from "node:assert/strict";
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { EventReceiver } from "../../src/client/event-receiver.ts";
import { decodeEnvelope } from "../../src/client/task-event.ts";
import { containerd, events } from "../../src/proto/index.ts";
import { connect, createClient } from "../../src/ttrpc/index.ts";
import { scratchDir } from "./support.ts";

const root = scratchDir();
let made = 0;

function nextDir(): string {
  made += 1;
  return path.join(root, String(made));
}

function envelope(pid: number): containerd.types.IEnvelope {
  return {
    topic: "/tasks/start",
    namespace: "ns",
    timestamp: { seconds: 1_700_000_000, nanos: 5_000_000 },
    event: {
      typeUrl: "containerd.events.TaskStart",
      value: containerd.events.TaskStart.encode({ containerId: "c1", pid }).finish(),
    },
  };
}

/** A receiver and a client that forwards to it, as a shim does. */
async function pair(capacity?: number) {
  const receiver = await EventReceiver.listen(nextDir(), capacity === undefined ? {} : { capacity });
  const connection = await connect(receiver.address);
  const { forward } = createClient(events, connection);
  const close = async () => {
    connection.close();
    await receiver.close();
  };
  return { receiver, forward, close };
}

describe("the receiver of events", () => {
  test("listens for its owner alone, and leaves nothing behind", async () => {
    const dir = nextDir();
    const receiver = await EventReceiver.listen(dir);
    assert.equal(statSync(dir).mode & 0o777, 0o700);
    assert.equal(statSync(receiver.address).mode & 0o777, 0o600);
    assert.ok(statSync(receiver.address).isSocket());
    await receiver.close();
    assert.equal(existsSync(dir), false);
  });

  test("takes events in the order in which they are sent, decoded", async () => {
    const { receiver, forward, close } = await pair();
    for (let pid = 1; pid <= 20; pid += 1) await forward({ envelope: envelope(pid) });
    const pids = receiver.received.map((event) =>
      event.type === "containerd.events.TaskStart" ? event.event.pid : undefined,
    );
    assert.deepEqual(
      pids,
      Array.from({ length: 20 }, (_, at) => at + 1),
    );
    assert.deepEqual(receiver.received[0]?.timestamp, new Date(1_700_000_000_005));
    assert.equal(receiver.received[0]?.namespace, "ns");
    await close();
  });

  test("keeps the latest only", async () => {
    const { receiver, forward, close } = await pair(3);
    for (let pid = 1; pid <= 10; pid += 1) await forward({ envelope: envelope(pid) });
    assert.equal(receiver.received.length, 3);
    await close();
  });

  test("finds an event that is waited for, and ends its readers when it is closed", async () => {
    const { receiver, forward, close } = await pair();
    const found = receiver.waitFor(
      (event) => event.type === "containerd.events.TaskStart" && event.event.pid === 2,
      10_000,
    );
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { topic } of receiver) seen.push(topic);
    })();
    await forward({ envelope: envelope(1) });
    await forward({ envelope: envelope(2) });
    assert.equal((await found).topic, "/tasks/start");
    await close();
    await reading;
    assert.deepEqual(seen, ["/tasks/start", "/tasks/start"]);
  });

  test("hands an event over before its shim is told that it was taken", async () => {
    const seen: string[] = [];
    const dir = nextDir();
    const receiver = await EventReceiver.listen(dir, { onEvent: ({ topic }) => seen.push(topic) });
    const connection = await connect(receiver.address);
    await createClient(events, connection).forward({ envelope: envelope(1) });
    assert.deepEqual(seen, ["/tasks/start"]);
    connection.close();
    await receiver.close();
  });

  test("takes over the address of one that was killed", async () => {
    const dir = nextDir();
    mkdirSync(dir);
    writeFileSync(EventReceiver.addressIn(dir), "");
    const receiver = await EventReceiver.listen(dir, { takeOver: true });
    assert.equal(receiver.address, EventReceiver.addressIn(dir));
    await receiver.close();
  });

  test("answers a request without an envelope, and keeps nothing of it", async () => {
    const { receiver, forward, close } = await pair();
    await forward({});
    assert.deepEqual(receiver.received, []);
    await close();
  });

  test("refuses a directory that is there, which stays", async () => {
    const dir = nextDir();
    mkdirSync(dir);
    await assert.rejects(EventReceiver.listen(dir), { code: "EEXIST" });
    assert.ok(existsSync(dir));
  });

  test("refuses a path that is too long for a socket, and leaves nothing", async () => {
    const dir = path.join(root, "x".repeat(110));
    await assert.rejects(EventReceiver.listen(dir), (error: unknown) =>
      hasCode(error, StatusCode.invalidArgument),
    );
    assert.equal(existsSync(dir), false);
  });
});

describe("an event", () => {
  const { TaskExit, TaskOOM } = containerd.events;
  const exit = TaskExit.encode({ containerId: "c", id: "c", pid: 7, exitStatus: 9 }).finish();
  const decoded: [title: string, typeUrl: string, value: Uint8Array, type: string][] = [
    ["of a known type", "containerd.events.TaskExit", exit, "containerd.events.TaskExit"],
    [
      "with a prefix to its type",
      "types.example/containerd.events.TaskExit",
      exit,
      "containerd.events.TaskExit",
    ],
    [
      "of another known type",
      "containerd.events.TaskOOM",
      TaskOOM.encode({ containerId: "c" }).finish(),
      "containerd.events.TaskOOM",
    ],
    ["of a type nobody knows", "example.Other", exit, "unknown"],
    ["of a type named like a method of every object", "toString", exit, "unknown"],
    ["that is not what it says it is", "containerd.events.TaskExit", Buffer.from([0xff, 0xff]), "unknown"],
    ["without a type", "", exit, "unknown"],
  ];
  for (const [title, typeUrl, value, type] of decoded) {
    test(`${title} comes as ${type}`, () => {
      const event = decodeEnvelope({ topic: "/t", namespace: "n", event: { typeUrl, value } });
      assert.equal(event.type, type);
      assert.equal(event.topic, "/t");
      if (event.type === "unknown") assert.deepEqual([event.typeUrl, event.value], [typeUrl, value]);
      if (event.type === "containerd.events.TaskExit") assert.equal(event.event.exitStatus, 9);
    });
  }

  test("that is empty comes as unknown", () => {
    assert.deepEqual(decodeEnvelope({}), {
      topic: "",
      namespace: "",
      timestamp: undefined,
      type: "unknown",
      typeUrl: "",
      value: new Uint8Array(),
    });
  });
});

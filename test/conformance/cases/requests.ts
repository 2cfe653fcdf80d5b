import assert from "node:assert/strict";
import net from "node:net";
import { within } from "../../../src/base/deadline.ts";
import { StatusCode } from "../../../src/base/status.ts";
import { ttrpc } from "../../../src/proto/index.ts";
import { connect, encodeFrame, FrameDecoder, FrameType, MAX_DATA_LENGTH } from "../../../src/ttrpc/index.ts";
import type { Bench } from "../bench.ts";
import { about, type ConformanceCase } from "../case.ts";
import { expectOutcome, stateName } from "../expect.ts";
import { specAny } from "../options.ts";
import type { TestContainer } from "../test-container.ts";

const SERVICE = "containerd.task.v2.Task";
/** How long an answer on a bare socket is waited for, in milliseconds. */
const ANSWER_MS = 10_000;

/** Requests to a running container that are wrong in one thing, and what comes of them. */
const WRONG: readonly [string, (container: TestContainer) => Promise<unknown>, string][] = [
  ["Kill with signal 0", ({ id, task }) => task.kill({ id, signal: 0 }), "ok|refused"],
  ["Kill with signal 65", ({ id, task }) => task.kill({ id, signal: 65 }), "refused"],
  ["Kill with signal 4294967295", ({ id, task }) => task.kill({ id, signal: 0xffffffff }), "refused"],
  [
    "Kill of a process nobody added",
    ({ id, task }) => task.kill({ id, execId: "e9", signal: 9 }),
    "not found",
  ],
  ["State of another container", ({ task }) => task.state({ id: "other" }), "not found"],
  ["State of an empty id", ({ task }) => task.state({ id: "" }), "not found|refused"],
  ["Update without resources", ({ id, task }) => task.update({ id }), "refused|ok"],
  [
    "Update with resources that are no JSON",
    ({ id, task }) => task.update({ id, resources: specAny("LinuxResources", "{") }),
    "refused",
  ],
  [
    "Update with a limit that is no number",
    ({ id, task }) => task.update({ id, resources: specAny("LinuxResources", { pids: { limit: "many" } }) }),
    "refused",
  ],
  ["Exec with an empty id", (container) => container.exec(""), "refused|already exists|ok"],
  ["Delete of the init while it runs", ({ id, task }) => task.delete({ id, execId: "" }), "refused"],
];

const wrong = WRONG.map(
  ([name, call, expected]): ConformanceCase => ({
    name: `${name} comes to ${expected.replaceAll("|", " or ")}, and the container runs on`,
    async run(bench) {
      const container = await bench.running();
      await expectOutcome(call(container), expected);
      const { id, task } = container;
      assert.equal(stateName((await task.state({ id })).status), "running");
    },
  }),
);

/** Calls by name, past the typed client. */
const CALLS: readonly [string, string, string, Uint8Array, string][] = [
  ["a method that nobody knows", SERVICE, "Nowhere", new Uint8Array(), "unimplemented"],
  ["a service that nobody knows", "nobody.Knows", "State", new Uint8Array(), "unimplemented"],
  ["a request that cannot be decoded", SERVICE, "State", Buffer.from([0x0a, 0xff, 0x01]), "refused"],
  ["a request with fields of a later version", SERVICE, "Connect", Buffer.from([0xf8, 0x07, 0x01]), "ok"],
];

const byName = CALLS.map(
  ([name, service, method, payload, expected]): ConformanceCase => ({
    name: `${name} comes to ${expected}, and the connection lives`,
    async run(bench) {
      const { id, task, shim } = await bench.created();
      const call = shim.connection.unary({ service, method, kind: "unary" }, payload);
      await expectOutcome(
        call.then(() => "ok"),
        expected,
      );
      assert.equal(stateName((await task.state({ id })).status), "created");
    },
  }),
);

/** Sends bytes on a connection of its own and reads the response to stream 1. */
async function answerTo(path: string, bytes: readonly Uint8Array[]): Promise<ttrpc.Response> {
  const socket = net.connect({ path });
  try {
    for (const piece of bytes) socket.write(piece);
    const decoder = new FrameDecoder();
    const read = async () => {
      for await (const chunk of socket) {
        for (const frame of decoder.push(chunk as Buffer)) {
          if ("data" in frame && frame.streamId === 1) return ttrpc.Response.decode(frame.data);
        }
      }
      throw new Error("the connection ended without an answer");
    };
    return await within(read(), ANSWER_MS, "an answer");
  } finally {
    socket.destroy();
  }
}

const request = (payload: Uint8Array) =>
  encodeFrame({
    streamId: 1,
    type: FrameType.request,
    flags: 0,
    data: ttrpc.Request.encode({ service: SERVICE, method: "Connect", payload }).finish(),
  });

async function socketOf(bench: Bench): Promise<{ path: string; container: TestContainer }> {
  const container = await bench.created();
  return { path: container.shim.socketPath ?? "", container };
}

const frames: ConformanceCase[] = [
  {
    name: "a frame that is longer than 4 MiB is refused on its own stream",
    async run(bench) {
      const { path, container } = await socketOf(bench);
      const frame = Buffer.from(request(new Uint8Array(MAX_DATA_LENGTH + 1)));
      const { status } = await answerTo(path, [frame]);
      assert.equal(status?.code, StatusCode.resourceExhausted);
      assert.equal(stateName((await container.task.state({ id: container.id })).status), "created");
    },
  },
  {
    name: "a request that comes byte by byte is answered",
    async run(bench) {
      const { path } = await socketOf(bench);
      const bytes = [...request(new Uint8Array())].map((byte) => Uint8Array.of(byte));
      assert.equal((await answerTo(path, bytes)).status?.code ?? 0, StatusCode.ok);
    },
  },
  {
    name: "a connection that ends within a frame harms no other",
    async run(bench) {
      const { path, container } = await socketOf(bench);
      const socket = net.connect({ path });
      const part = request(new Uint8Array(100)).subarray(0, 50);
      await new Promise((resolve) => socket.write(part, resolve));
      socket.destroy();
      assert.equal(stateName((await container.task.state({ id: container.id })).status), "created");
    },
  },
  {
    name: "many calls at once on one connection are all answered",
    async run(bench) {
      const { id, task } = await bench.created();
      const states = await Promise.all(Array.from({ length: 200 }, () => task.state({ id })));
      assert.ok(states.every(({ pid }) => pid === states[0]?.pid));
    },
  },
  {
    name: "many connections are served at once",
    async run(bench) {
      const { shim, id } = await bench.created();
      const connections = await Promise.all(Array.from({ length: 40 }, () => connect(shim.answer.address)));
      bench.atEnd(() => connections.map((connection) => connection.close()));
      const { createTaskClient } = await import("../../../src/client/index.ts");
      const pids = await Promise.all(
        connections.map(
          async (connection) => (await createTaskClient(2, connection).connect({ id })).shimPid,
        ),
      );
      assert.equal(new Set(pids).size, 1);
    },
  },
];

export const requestCases = about("requests", [...wrong, ...byName, ...frames]);

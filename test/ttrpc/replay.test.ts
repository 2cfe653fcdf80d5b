import assert from "node:assert/strict";
import fs from "node:fs";
import { describe, test } from "node:test";
import { type Deferred, deferred } from "../../src/base/deferred.ts";
import { StatusError } from "../../src/base/status.ts";
import { events, taskV2, ttrpc } from "../../src/proto/index.ts";
import { type Frame, FrameDecoder, FrameType } from "../../src/ttrpc/frame.ts";
import {
  type CallTarget,
  ClientConnection,
  createClient,
  Metadata,
  memoryPair,
  Server,
} from "../../src/ttrpc/index.ts";
import { statusFromWire } from "../../src/ttrpc/status.ts";
import { settle } from "./echo-service.ts";

type Side = "client" | "server";
type Turn = readonly [side: Side, hex: string];

/** One frame of a recording, with the bytes it had. */
interface Recorded extends Frame {
  readonly side: Side;
  readonly wire: Buffer;
}

function load(name: string): readonly (readonly Turn[])[] {
  const file = new URL(`../fixtures/ttrpc/${name}.json`, import.meta.url);
  return JSON.parse(fs.readFileSync(file, "utf8"));
}

/** The frames of a recorded connection, in the order they passed. */
function framesOf(turns: readonly Turn[]): readonly Recorded[] {
  const decoders = { client: new FrameDecoder(), server: new FrameDecoder() };
  const frames = turns.flatMap(([side, hex]) => {
    let bytes = Buffer.from(hex, "hex");
    return decoders[side].push(bytes).map((frame): Recorded => {
      assert.ok("data" in frame);
      const wire = bytes.subarray(0, 10 + frame.data.length);
      bytes = bytes.subarray(wire.length);
      return { ...frame, side, wire };
    });
  });
  assert.ok(decoders.client.atBoundary && decoders.server.atBoundary);
  return frames;
}

/** The descriptor of a service whose messages stay the bytes they are. */
function rawDescriptor(descriptor: typeof taskV2 | typeof events) {
  const raw = {
    encode: (bytes: Uint8Array) => ({ finish: () => bytes }),
    decode: (bytes: Uint8Array) => bytes,
  };
  const methods = Object.entries(descriptor.methods).map(([key, { name }]) => [
    key,
    { name, kind: "unary" as const, input: raw, output: raw },
  ]);
  return { name: descriptor.name, methods: Object.fromEntries(methods) as Record<string, RawMethod> };
}
type RawCodec = {
  encode(bytes: Uint8Array): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Uint8Array;
};
type RawMethod = { name: string; kind: "unary"; input: RawCodec; output: RawCodec };

const recordings = [
  ["task", taskV2],
  ["events", events],
] as const;

for (const [name, service] of recordings) {
  for (const [index, turns] of load(name).entries()) {
    const frames = framesOf(turns);
    const responses = frames.filter(({ side }) => side === "server");
    const requests = frames.filter(({ side }) => side === "client");

    describe(`the recorded conversation ${name} ${index + 1}`, () => {
      test("is whole: every request has one response", () => {
        assert.ok(frames.length >= 20);
        assert.deepEqual(
          requests.map(({ streamId }) => streamId),
          requests.map((_, i) => 2 * i + 1),
        );
        assert.deepEqual(
          responses.map(({ streamId }) => streamId).sort((a, b) => a - b),
          requests.map(({ streamId }) => streamId),
        );
        assert.ok(requests.every(({ type, flags }) => type === FrameType.request && flags === 0));
        assert.ok(responses.every(({ type, flags }) => type === FrameType.response && flags === 0));
      });

      test("is encoded by our messages to the very bytes it had", () => {
        for (const { data } of requests) {
          const request = ttrpc.Request.decode(data);
          assert.deepEqual(Buffer.from(ttrpc.Request.encode(request).finish()), Buffer.from(data));
          const method = Object.values<{
            name: string;
            input: (typeof taskV2)["methods"]["create"]["input"];
          }>(service.methods as never).find(({ name }) => name === request.method);
          assert.ok(method !== undefined, request.method);
          const payload = method.input.encode(method.input.decode(request.payload)).finish();
          assert.deepEqual(Buffer.from(payload), Buffer.from(request.payload), request.method);
        }
      });

      test("makes our server answer the recorded client byte for byte", async () => {
        const replies = new Map<string, Deferred<Uint8Array>>();
        const handled: string[] = [];
        const descriptor = rawDescriptor(service);
        const handlers = Object.fromEntries(
          Object.entries(descriptor.methods).map(([key, method]) => [
            key,
            (payload: Uint8Array) => {
              const reply = deferred<Uint8Array>();
              // Requests are told apart by order: the same may come twice.
              replies.set(String(2 * handled.length + 1), reply);
              handled.push(`${method.name} ${Buffer.from(payload).toString("hex")}`);
              return reply.promise;
            },
          ]),
        );
        const [near, far] = memoryPair();
        const server = new Server().register(descriptor, handlers);
        server.accept(far);
        const answered: Buffer[] = [];
        near.on("data", (chunk) => answered.push(chunk));
        for (const frame of frames) {
          if (frame.side === "client") {
            near.write(frame.wire);
          } else {
            const response = ttrpc.Response.decode(frame.data);
            const error = statusFromWire(response.status);
            const reply = replies.get(String(frame.streamId));
            if (error === undefined) reply?.resolve(response.payload ?? new Uint8Array(0));
            else reply?.reject(error);
          }
          await settle();
        }
        const expected = Buffer.concat(responses.map(({ wire }) => wire));
        assert.equal(Buffer.concat(answered).toString("hex"), expected.toString("hex"));
        const asked = requests.map(({ data }) => ttrpc.Request.decode(data));
        assert.deepEqual(
          handled,
          asked.map(({ method, payload }) => `${method} ${Buffer.from(payload ?? []).toString("hex")}`),
        );
        assert.equal(server.activeCalls, 0);
      });

      test("makes our client ask the recorded server byte for byte, and understand it", async () => {
        const [near, far] = memoryPair();
        const connection = new ClientConnection(near);
        const asked: Buffer[] = [];
        far.on("data", (chunk) => asked.push(chunk));
        const outcomes = new Map<number, Promise<unknown>>();
        for (const frame of frames) {
          if (frame.side === "client") outcomes.set(frame.streamId, ask(connection, frame));
          else far.write(frame.wire);
          await settle();
        }
        const expected = Buffer.concat(requests.map(({ wire }) => wire));
        assert.equal(Buffer.concat(asked).toString("hex"), expected.toString("hex"));
        for (const { streamId, data } of responses) {
          const response = ttrpc.Response.decode(data);
          const outcome = await outcomes.get(streamId);
          const error = statusFromWire(response.status);
          if (error === undefined) assert.deepEqual(outcome, response.payload ?? new Uint8Array(0));
          else
            assert.ok(outcome instanceof StatusError && outcome.message === error.message, String(outcome));
        }
        assert.equal(connection.activeCalls, 0);
        connection.close();
      });
    });
  }
}

/** Makes the call of a recorded request; resolves to its answer or its error. */
function ask(connection: ClientConnection, { data }: Frame): Promise<unknown> {
  const request = ttrpc.Request.decode(data) as ttrpc.Request;
  const target: CallTarget = { service: request.service, method: request.method, kind: "unary" };
  const timeoutMs = request.timeoutNano > 0 ? { timeoutMs: request.timeoutNano / 1e6 } : {};
  const metadata = Metadata.fromRequest(request);
  return connection.unary(target, request.payload, { ...timeoutMs, metadata }).catch((err: unknown) => err);
}

test("the typed client reads what the Go shim answered", async () => {
  const [turns] = load("task");
  assert.ok(turns !== undefined);
  const [near, far] = memoryPair();
  const client = createClient(taskV2, new ClientConnection(near));
  const answers = framesOf(turns).filter(({ side }) => side === "server");
  const create = client.create({ id: "rec-1" });
  const connect = client.connect({ id: "rec-1" });
  await settle();
  for (const { wire, streamId } of answers) if (streamId <= 3) far.write(wire);
  const { pid } = await create;
  assert.ok((pid ?? 0) > 0);
  assert.equal((await connect).taskPid, pid);
});

/** A program that measures the codec, and a call in memory: prints how many nanoseconds each takes, as JSON. */
import { Bench } from "tinybench";
import { ttrpc } from "../../src/proto/index.ts";
import { encodeNames, encodeRequest, encodeResponse } from "../../src/ttrpc/envelope.ts";
import { encodeFrame, FrameDecoder, FrameType, HEADER_LENGTH } from "../../src/ttrpc/frame.ts";
import { ClientConnection, createClient, memoryPair, Server } from "../../src/ttrpc/index.ts";
import type { CodecTask } from "./codec-tasks.ts";
import { echo } from "./echo.ts";

const [service, method] = ["containerd.task.v2.Task", "State"];
const payload = new Uint8Array(64).fill(7);
const large = new Uint8Array(64 << 10).fill(7);
const names = encodeNames(service, method);
const frameOf = (data: Uint8Array) => encodeFrame({ streamId: 1, type: FrameType.response, flags: 0, data });
const [frame, largeFrame] = [frameOf(payload), frameOf(large)];
const decoder = new FrameDecoder();
/** As containerd makes them. */
const extras = { timeoutNano: 2e9, metadata: [{ key: "containerd-namespace-ttrpc", value: "k8s.io" }] };
const request = encodeRequest(names, payload, extras).subarray(HEADER_LENGTH);
const response = encodeResponse(payload).subarray(HEADER_LENGTH);

const server = new Server().register(echo, { say: ({ value }) => ({ value }) });
const [near, far] = memoryPair();
server.accept(far);
const client = createClient(echo, new ClientConnection(near));

const tasks: Readonly<Record<CodecTask, () => unknown>> = {
  encodeFrame: () => frameOf(payload),
  encodeLargeFrame: () => frameOf(large),
  decodeFrame: () => decoder.push(frame),
  decodeLargeFrame: () => decoder.push(largeFrame),
  encodeRequest: () => encodeRequest(names, payload),
  encodeRequestPlainly: () => ttrpc.Request.encode({ service, method, payload }).finish(),
  decodeRequest: () => ttrpc.Request.decode(request),
  encodeResponse: () => encodeResponse(payload),
  encodeResponsePlainly: () => ttrpc.Response.encode({ payload }).finish(),
  encodeLargeResponse: () => encodeResponse(large),
  encodeLargeResponsePlainly: () => ttrpc.Response.encode({ payload: large }).finish(),
  decodeResponse: () => ttrpc.Response.decode(response),
  call: () => client.say({ value: payload }),
  largeCall: () => client.say({ value: large }),
};

const bench = new Bench({ time: 100, warmupTime: 50 });
for (const [name, work] of Object.entries(tasks)) bench.add(name, work);
await bench.run();
const found = bench.tasks.map(({ name, result }) => {
  if (!("latency" in result)) throw new Error(`${name} could not be measured`);
  return [name, result.latency.p50 * 1e6];
});
process.stdout.write(`${JSON.stringify(Object.fromEntries(found))}\n`);
await server.close();

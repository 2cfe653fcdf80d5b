import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Duplex } from "node:stream";
import { after, describe, test } from "node:test";
import { sleep } from "../../src/base/deadline.ts";
import { deferred } from "../../src/base/deferred.ts";
import { StatusCode } from "../../src/base/status.ts";
import { events } from "../../src/proto/index.ts";
import { bun } from "../../src/shim/bun.ts";
import { connectTo, streamsTo } from "../../src/shim/socket-stream.ts";
import { ClientConnection, connect, createClient, Server } from "../../src/ttrpc/index.ts";

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-sockets-"));
after(() => fs.rmSync(dir, { recursive: true }));
let count = 0;

/** Serves events on a new socket; says how many bytes each brought. */
function serveEvents() {
  count += 1;
  const socket = path.join(dir, `s${count}`);
  const sizes: number[] = [];
  const server = new Server();
  server.register(events, {
    forward: async ({ envelope }) => {
      sizes.push(envelope?.event?.value?.length ?? 0);
      return {};
    },
  });
  const listener = bun.listen({ unix: socket, socket: streamsTo((stream) => server.accept(stream)) });
  return { socket, sizes, server, listener };
}

const request = (bytes: number) => ({ envelope: { event: { typeUrl: "t", value: Buffer.alloc(bytes, 7) } } });

describe("a ttrpc connection over the runtime's own socket", () => {
  test("carries calls of every size, many at a time, to such a server as to one over node's", async () => {
    const { socket, sizes, server, listener } = serveEvents();
    const ours = new ClientConnection(await connectTo(socket));
    for (const connection of [ours, await connect(socket)]) {
      const client = createClient(events, connection);
      const wanted = [0, 1, 4_000_000, 65_536, 3_000_000, 12];
      sizes.length = 0;
      await Promise.all(wanted.map((bytes) => client.forward(request(bytes))));
      assert.deepEqual(
        sizes.toSorted((a, b) => a - b),
        wanted.toSorted((a, b) => a - b),
      );
    }
    listener.stop();
    await server.shutdown();
    assert.match((await ours.closed).message, /^connection closed/);
  });

  test("ends for both when the server closes it, and for the server when the client does", async () => {
    const { socket, server, listener } = serveEvents();
    const [first, second] = [0, 1].map(async () => new ClientConnection(await connectTo(socket)));
    const closing = await first;
    await createClient(events, (await second) as ClientConnection).forward(request(1));
    closing?.close();
    while (server.connections > 1) await new Promise((resolve) => setTimeout(resolve, 1));
    await server.close();
    assert.equal((await (await second)?.closed)?.code, StatusCode.unavailable);
    assert.equal(server.connections, 0);
    listener.stop();
  });

  test("ends where the other side has gone while it reads nothing, at the next write", async () => {
    const socket = path.join(dir, "paused");
    const accepted = deferred<Duplex>();
    const listener = bun.listen({ unix: socket, socket: streamsTo((stream) => accepted.resolve(stream)) });
    const other = await connectTo(socket);
    const stream = await accepted.promise;
    const ended = new Promise<void>((resolve) => {
      for (const event of ["close", "error"]) stream.on(event, () => resolve());
    });
    stream.pause();
    other.destroy();
    for (let gone = false; !gone; ) {
      stream.write(Buffer.alloc(100_000));
      gone = await Promise.race([ended.then(() => true), sleep(1).then(() => false)]);
    }
    listener.stop();
  });

  test("is refused where nobody listens, and where there is no such path", async () => {
    const { socket, listener } = serveEvents();
    listener.stop();
    for (const nowhere of [socket, path.join(dir, "none"), "\0ebb-nobody"]) {
      await assert.rejects(connectTo(nowhere), { code: StatusCode.unavailable });
    }
  });
});

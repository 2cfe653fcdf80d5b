import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { ClientConnection, createClient, memoryPair, Server } from "../../src/ttrpc/index.ts";
import { aborted, echo, settle, startEcho } from "./echo-service.ts";
import { RawPeer, request } from "./raw-peer.ts";

const never = () => new Promise<never>(() => {});

describe("a server's close", () => {
  test("ends connections at once, aborts handlers and fails their callers", async () => {
    const seen = deferred<unknown>();
    const { client, connection, server } = startEcho({
      say: async (_, context) => {
        seen.resolve(await aborted(context));
        return never();
      },
    });
    const call = client.say("x");
    await settle();
    await server.close();
    await assert.rejects(
      call,
      (err) => hasCode(err, StatusCode.unavailable) && /^connection closed/.test(err.message),
    );
    assert.ok(hasCode(await seen.promise, StatusCode.cancelled));
    await connection.closed;
    assert.deepEqual([server.connections, server.activeCalls], [0, 0]);
  });

  test("may be asked for twice, and after a shutdown", async () => {
    const { server } = startEcho();
    await Promise.all([server.close(), server.close()]);
    assert.equal(await server.shutdown(), 0);
    await server.close();
  });

  test("lets in neither streams nor sockets afterwards", async () => {
    const server = new Server();
    await server.close();
    const [, far] = memoryPair();
    assert.throws(
      () => server.accept(far),
      (err) => hasCode(err, StatusCode.unavailable),
    );
    await assert.rejects(server.listen({ abstract: "x" }), (err) => hasCode(err, StatusCode.unavailable));
  });

  test("while a socket is being opened closes that, too", async () => {
    const server = new Server();
    const name = `ebb-ttrpc-close-${process.pid}`;
    const listening = server.listen({ abstract: name });
    listening.catch(() => {});
    await server.close();
    await assert.rejects(listening, (err) => hasCode(err, StatusCode.unavailable));
    const again = new Server();
    await again.listen({ abstract: name });
    await again.close();
  });
});

describe("a server's shutdown", () => {
  test("lets the calls under way end, and sends their answers before it closes", async () => {
    const answer = deferred<string>();
    const { client, connection, server } = startEcho({ say: () => answer.promise });
    const calls = [client.say("a"), client.say("b")];
    await settle();
    const done = server.shutdown();
    await settle();
    assert.equal(server.connections, 1);
    answer.resolve("x".repeat(1 << 20));
    const answers = await Promise.all(calls);
    assert.deepEqual(
      answers.map(({ length }) => length),
      [1 << 20, 1 << 20],
    );
    assert.equal(await done, 0);
    assert.match((await connection.closed).message, /^connection closed by the peer$/);
  });

  test("refuses calls that come meanwhile", async () => {
    const answer = deferred<string>();
    const { client, server } = startEcho({ say: () => answer.promise });
    const first = client.say("a");
    await settle();
    const done = server.shutdown();
    const isShutdown = (err: unknown) =>
      hasCode(err, StatusCode.unavailable) &&
      err.message === "connection closed: the server is shutting down";
    await assert.rejects(client.say("b"), isShutdown);
    answer.resolve("in time");
    assert.equal(await first, "in time");
    await done;
  });

  test("ends connections without calls at once", async () => {
    const { connection, server } = startEcho();
    assert.equal(await server.shutdown(), 0);
    await connection.closed;
  });

  test("gives up on a handler that never returns, and says so", async () => {
    const { client, server } = startEcho({ say: never });
    const call = client.say("x");
    call.catch(() => {});
    await settle();
    assert.equal(await server.shutdown({ timeoutMs: 5 }), 1);
    await assert.rejects(call, (err) => hasCode(err, StatusCode.unavailable));
    assert.equal(server.connections, 0);
  });

  test("gives up on a client that does not take its answers", async () => {
    const { server } = startEcho({ say: () => "x".repeat(1 << 20) });
    const [near, far] = memoryPair();
    server.accept(far);
    new RawPeer(near).send(request(1, "Say"), request(3, "Say"));
    near.pause();
    await settle();
    await server.shutdown({ timeoutMs: 5 });
    assert.equal(server.connections, 0);
  });

  test("may be asked for from a handler, whose answer still arrives", async () => {
    let done: Promise<number> | undefined;
    const { client, connection, server } = startEcho({
      say: () => {
        done = server.shutdown();
        return "bye";
      },
    });
    assert.equal(await client.say("x"), "bye");
    assert.equal(await done, 0);
    await connection.closed;
  });
});

describe("a server", () => {
  test("serves several streams of bytes at once, each on its own", async () => {
    const { server } = startEcho();
    const clients = Array.from({ length: 5 }, () => {
      const [near, far] = memoryPair();
      server.accept(far);
      return createClient(echo, new ClientConnection(near));
    });
    const words = await Promise.all(clients.map((client, i) => client.say(`word ${i}`)));
    assert.deepEqual(words, ["word 0", "word 1", "word 2", "word 3", "word 4"]);
    assert.equal(server.connections, 6);
    await server.close();
  });

  test("lets one connection be closed by hand", async () => {
    const { server } = startEcho();
    const [near, far] = memoryPair();
    const accepted = server.accept(far);
    const connection = new ClientConnection(near);
    accepted.close();
    assert.match((await connection.closed).message, /^connection closed by the peer/);
    assert.match((await accepted.closed).message, /^connection closed by this side/);
    assert.equal(server.connections, 1);
    await server.close();
  });
});

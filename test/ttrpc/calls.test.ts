import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode, StatusError } from "../../src/base/status.ts";
import { collect, settle, startEcho } from "./echo-service.ts";

test("smoke", async () => {
  const { client, server, connection } = startEcho();
  assert.equal(await client.say("hello"), "hello");
  assert.deepEqual(await collect(client.split("abc")), ["a", "b", "c"]);
  const join = client.join();
  await join.send("a");
  await join.send("b");
  assert.equal(await join.finish(), "a+b");
  const chat = client.chat();
  await chat.send("x");
  const it = chat[Symbol.asyncIterator]();
  assert.deepEqual(await it.next(), { done: false, value: "X" });
  await chat.end();
  assert.deepEqual(await it.next(), { done: true, value: undefined });
  await settle();
  assert.equal(connection.activeCalls, 0);
  assert.equal(server.activeCalls, 0);
  await server.shutdown();
  assert.match((await connection.closed).message, /^connection closed by the peer/);
  await assert.rejects(client.say("x"), StatusError);
  void describe;
  void StatusCode;
});

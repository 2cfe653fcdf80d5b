import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Inbox } from "../../src/ttrpc/inbox.ts";
import { collect } from "./echo-service.ts";

const message = (length: number) => new Uint8Array(length).fill(length);
const bounds = { maxUnreadMessages: 2, maxUnreadBytes: 10 };
const lengths = async (inbox: Inbox) => (await collect(inbox)).map(({ length }) => length);

describe("Inbox", () => {
  test("gives messages in the order they came, then ends", async () => {
    const inbox = new Inbox(bounds);
    for (const length of [3, 1, 2]) inbox.put(message(length));
    inbox.end();
    assert.deepEqual(await lengths(inbox), [3, 1, 2]);
    assert.deepEqual(await inbox.next(), { done: true, value: undefined });
  });

  test("hands a message straight to the reader who waited longest", async () => {
    const inbox = new Inbox(bounds);
    const readers = [inbox.next(), inbox.next()];
    inbox.put(message(1));
    inbox.put(message(2));
    assert.deepEqual(
      (await Promise.all(readers)).map(({ value }) => value?.length),
      [1, 2],
    );
  });

  test("has room until it holds its number of messages", () => {
    const inbox = new Inbox(bounds);
    inbox.put(message(1));
    assert.equal(inbox.room, undefined);
    inbox.put(message(1));
    assert.notEqual(inbox.room, undefined);
  });

  test("has room until it holds its number of bytes, which one message may pass", () => {
    const inbox = new Inbox(bounds);
    inbox.put(message(1_000));
    assert.notEqual(inbox.room, undefined);
  });

  test("tells of room when one message is read", async () => {
    const inbox = new Inbox(bounds);
    inbox.put(message(1));
    inbox.put(message(1));
    const { room } = inbox;
    assert.equal(inbox.room, room);
    await inbox.next();
    await room;
    assert.equal(inbox.room, undefined);
  });

  test("counts bytes down as they are read", async () => {
    const inbox = new Inbox({ maxUnreadMessages: 100, maxUnreadBytes: 10 });
    for (let i = 0; i < 50; i++) {
      inbox.put(message(9));
      assert.equal(inbox.room, undefined, `message ${i}`);
      await inbox.next();
    }
  });

  test("after a failure readers get what came before it, then the error, each time", async () => {
    const inbox = new Inbox(bounds);
    inbox.put(message(1));
    inbox.fail(new Error("lost"));
    assert.equal((await inbox.next()).value?.length, 1);
    await assert.rejects(inbox.next(), /lost/);
    await assert.rejects(inbox.next(), /lost/);
  });

  test("a failure reaches readers who wait", async () => {
    const inbox = new Inbox(bounds);
    const readers = [inbox.next(), inbox.next()];
    inbox.fail(new Error("lost"));
    for (const reader of readers) await assert.rejects(reader, /lost/);
  });

  test("a failure nobody reads is no unhandled rejection", () => {
    new Inbox(bounds).fail(new Error("lost"));
  });

  test("the first ending wins", async () => {
    const inbox = new Inbox(bounds);
    inbox.end();
    inbox.fail(new Error("late"));
    assert.equal((await inbox.next()).done, true);
    const failed = new Inbox(bounds);
    failed.fail(new Error("first"));
    failed.fail(new Error("second"));
    failed.end();
    await assert.rejects(failed.next(), /first/);
  });

  test("takes nothing after its end", async () => {
    const inbox = new Inbox(bounds);
    inbox.end();
    inbox.put(message(1));
    assert.deepEqual(await lengths(inbox), []);
  });

  for (const how of ["end", "fail", "discard"] as const) {
    test(`${how} lets go whoever waits for room`, async () => {
      const inbox = new Inbox(bounds);
      inbox.put(message(10));
      const { room } = inbox;
      assert.ok(room !== undefined);
      if (how === "fail") inbox.fail(new Error("lost"));
      else inbox[how]();
      await room;
      assert.equal(inbox.room, undefined);
    });
  }

  test("keeps nothing once it is discarded, and always has room", async () => {
    const inbox = new Inbox(bounds);
    inbox.put(message(5));
    inbox.discard();
    for (let i = 0; i < 10; i++) inbox.put(message(1_000));
    assert.equal(inbox.room, undefined);
    inbox.end();
    assert.deepEqual(await lengths(inbox), []);
  });
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode } from "../../../src/base/status.ts";
import type { BunSocket } from "../../../src/shim/bun.ts";
import { type Lines, linesTo, MAX_LINE_BYTES } from "../../../src/shim/standby/lines.ts";
import { status } from "../../support/status.ts";

/** A connection whose kernel takes so many bytes of a line, or has gone (-1). */
function connection(takes = Number.POSITIVE_INFINITY) {
  const said: string[] = [];
  let ends = 0;
  let lines: Lines | undefined;
  const events = linesTo((made) => {
    lines = made;
  });
  const socket = {
    data: undefined as unknown as Lines,
    write: (bytes: Uint8Array) => {
      said.push(Buffer.from(bytes).toString());
      return Math.min(bytes.length, takes);
    },
    end: () => {
      ends += 1;
    },
  } as unknown as BunSocket<Lines>;
  events.open?.(socket);
  assert.ok(lines !== undefined);
  const hears = (...chunks: (string | Uint8Array)[]) => {
    for (const chunk of chunks) events.data(socket, Buffer.from(chunk as string));
  };
  return { lines, said, hears, events, socket, ends: () => ends };
}

describe("lines", () => {
  test("are heard one by one, however they come", async () => {
    const { lines, hears } = connection();
    const first = lines.hear();
    hears("on", "e\ntwo\nth");
    assert.deepEqual([await first, await lines.hear()], ["one", "two"]);
    const third = lines.hear();
    const word = Buffer.from("ree ✓\n");
    hears(word.subarray(0, 5), word.subarray(5));
    assert.equal(await third, "three ✓");
  });

  test("that came before the other side hung up are heard, and then nothing", async () => {
    const { lines, hears, events, socket } = connection();
    hears("last\nhalf");
    events.close?.(socket);
    assert.deepEqual([await lines.hear(), await lines.hear()], ["last", undefined]);
    assert.equal(lines.isOver, true);
  });

  for (const event of ["close", "end"] as const) {
    test(`end by the other side's ${event} for who waits for one`, async () => {
      const { lines, events, socket } = connection();
      const heard = lines.hear();
      events[event]?.(socket);
      assert.equal(await heard, undefined);
    });
  }

  test("of which one is too long are hung up on", async () => {
    const { lines, hears, ends } = connection();
    const heard = lines.hear();
    hears("x".repeat(MAX_LINE_BYTES), "x");
    assert.equal(await heard, undefined);
    assert.equal(ends(), 1);
  });

  test("are said whole, or it is an error", () => {
    const { lines, said } = connection();
    lines.say("ready");
    assert.deepEqual(said, ["ready\n"]);
    lines.end();
    assert.throws(() => lines.say("late"), status(StatusCode.unavailable, /gone/));
    for (const takes of [-1, 3]) {
      assert.throws(() => connection(takes).lines.say("ready"), status(StatusCode.unavailable, /gone/));
    }
  });
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { hasCode, StatusCode, StatusError } from "../../src/base/status.ts";
import {
  encodeFrame,
  type Frame,
  FrameType,
  MAX_DATA_LENGTH,
  type OversizedFrame,
} from "../../src/ttrpc/frame.ts";
import { FrameConnection, type FrameReceiver } from "../../src/ttrpc/frame-connection.ts";
import { memoryPair } from "../../src/ttrpc/index.ts";
import { defaultLimits, type Limits } from "../../src/ttrpc/limits.ts";
import { settle } from "./echo-service.ts";
import { RawPeer, toBytes } from "./raw-peer.ts";

const reason = new StatusError(StatusCode.unavailable, "connection closed for the test");

/** A connection whose frames go to `onFrame`, and the stream of its peer. */
function start(onFrame: FrameReceiver["onFrame"] = () => undefined, limits: Partial<Limits> = {}) {
  const [near, far] = memoryPair();
  const ends: StatusError[] = [];
  far.on("error", () => {});
  const all = { ...defaultLimits, ...limits };
  const wire = new FrameConnection(near, all, { onFrame, onEnd: (why) => ends.push(why) });
  return { wire, near, far, ends };
}

const frame = (streamId: number, length = 1): Frame => ({
  streamId,
  type: FrameType.data,
  flags: 0,
  data: new Uint8Array(length),
});

const bytes = (streamId: number, length?: number) => encodeFrame(frame(streamId, length));

describe("reading", () => {
  test("gives frames one by one, each when the one before has let go", async () => {
    const gates = [deferred(), deferred()];
    const seen: number[] = [];
    const { far } = start(({ streamId }) => {
      seen.push(streamId);
      return gates[seen.length - 1]?.promise;
    });
    new RawPeer(far).send(frame(1), frame(3), frame(5), frame(7));
    await settle();
    assert.deepEqual(seen, [1]);
    gates[0]?.resolve();
    await settle();
    assert.deepEqual(seen, [1, 3]);
    gates[1]?.resolve();
    await settle();
    assert.deepEqual(seen, [1, 3, 5, 7]);
  });

  test("stops at the stream while a frame is held, again and again, so that nothing piles up", async () => {
    const gates = Array.from({ length: 3 }, () => deferred());
    let seen = 0;
    const { far, near } = start(() => gates[seen++]?.promise);
    const peer = new RawPeer(far);
    peer.send(...Array.from({ length: 3 }, () => frame(1)));
    for (const gate of gates) {
      await settle();
      peer.send(frame(1, 1 << 16));
      await settle();
      assert.equal(near.isPaused(), true);
      gate.resolve();
    }
    await settle();
    assert.equal(near.isPaused(), false);
    assert.equal(seen, 6);
  });

  test("gives nothing after the end, though frames were held", async () => {
    const gate = deferred();
    const seen: (Frame | OversizedFrame)[] = [];
    const { wire, far } = start((next) => {
      seen.push(next);
      return gate.promise;
    });
    new RawPeer(far).send(frame(1), frame(3));
    await settle();
    wire.end(reason);
    gate.resolve();
    await settle();
    assert.equal(seen.length, 1);
  });

  test("gives what came before the peer's end, then the end", async () => {
    const order: (number | string)[] = [];
    const gate = deferred();
    const { far, wire } = start(({ streamId }) => {
      order.push(streamId);
      return streamId === 1 ? gate.promise : undefined;
    });
    void wire.closed.then(() => order.push("closed"));
    new RawPeer(far).send(frame(1), frame(3));
    far.end();
    await settle();
    assert.deepEqual(order, [1]);
    gate.resolve();
    await wire.closed;
    assert.deepEqual(order, [1, 3, "closed"]);
  });
});

describe("an end that a paused stream tells of all the same", () => {
  test("counts when what came before it is delivered", async () => {
    const gate = deferred();
    const seen: number[] = [];
    const { far, near, wire } = start(({ streamId }) => {
      seen.push(streamId);
      return streamId === 1 ? gate.promise : undefined;
    });
    new RawPeer(far).send(frame(1), frame(3));
    await settle();
    near.emit("end");
    await settle();
    assert.deepEqual([seen, wire.reason], [[1], undefined]);
    gate.resolve();
    assert.equal((await wire.closed).message, "connection closed by the peer");
    assert.deepEqual(seen, [1, 3]);
  });

  test("lets go of what waits for the peer to read", async () => {
    const seen: number[] = [];
    const { far, near, wire } = start(
      ({ streamId }): Promise<void> | undefined => {
        seen.push(streamId);
        return wire.caughtUp;
      },
      { writeAheadBytes: 1_000 },
    );
    for (const id of [1, 3, 5]) wire.send(bytes(id, 100_000));
    far.write(Buffer.concat([frame(7), frame(9)].map(toBytes)));
    await settle();
    assert.deepEqual(seen, [7]);
    near.emit("end");
    assert.equal((await wire.closed).message, "connection closed by the peer");
    assert.deepEqual(seen, [7, 9]);
  });

  test("counts at once where nothing more is read", async () => {
    const { far, near, wire } = start(() => new Promise<never>(() => {}), { writeAheadBytes: 1_000 });
    for (const id of [1, 3, 5]) wire.send(bytes(id, 100_000));
    far.write(toBytes(frame(7)));
    await settle();
    const finished = wire.finish(reason);
    near.emit("end");
    await finished;
    assert.equal((await wire.closed).message, "connection closed by the peer");
  });
});

describe("writing", () => {
  test("keeps the order of the calls, whether or not they wait", async () => {
    const { wire, far } = start(undefined, { writeAheadBytes: 10_000 });
    const sent = Array.from({ length: 50 }, (_, i) => 2 * i + 1);
    const waits = sent.map((id) => wire.send(bytes(id, 10_000)));
    assert.equal(waits[0], undefined);
    assert.notEqual(waits.at(-1), undefined);
    const received = await new RawPeer(far).take(50);
    assert.deepEqual(
      received.map(({ streamId }) => streamId),
      sent,
    );
    await Promise.all(waits);
    assert.equal(wire.caughtUp, undefined);
  });

  test("drops what is left of a sender that has finished", async () => {
    const { wire, far } = start(undefined, { writeAheadBytes: 10_000 });
    for (const id of [1, 3, 5]) wire.send(bytes(id, 100_000));
    const sender = { finished: false };
    const dropped = wire.send(bytes(7), sender);
    wire.send(bytes(9));
    sender.finished = true;
    const received = await new RawPeer(far).take(4);
    assert.deepEqual(
      received.map(({ streamId }) => streamId),
      [1, 3, 5, 9],
    );
    await dropped;
  });

  test("refuses a frame over the limit of the protocol at once, and nothing is harmed", async () => {
    const { wire, far } = start();
    assert.throws(
      () => wire.send(bytes(1, MAX_DATA_LENGTH + 1)),
      (err) => hasCode(err, StatusCode.resourceExhausted),
    );
    wire.send(bytes(3));
    assert.equal((await new RawPeer(far).take(1))[0]?.streamId, 3);
  });

  test("has no room where too much waits, and has it again as that goes out", async () => {
    const { wire, far } = start(undefined, { writeAheadBytes: 1_000, maxUnwrittenBytes: 300_000 });
    const fill = () => {
      let taken = 0;
      try {
        for (;;) {
          wire.checkRoom(50_000);
          wire.send(bytes(1, 50_000));
          taken++;
        }
      } catch (err) {
        assert.ok(hasCode(err, StatusCode.resourceExhausted));
      }
      return taken;
    };
    const first = fill();
    assert.ok(first >= 4 && first <= 8, String(first));
    const peer = new RawPeer(far);
    await peer.take(first);
    await settle();
    far.pause();
    await settle();
    for (let round = 0; round < 5; round++) {
      const again = fill();
      assert.ok(again >= first - 2, `${again} frames in round ${round}, ${first} at first`);
      far.resume();
      await peer.take(again);
      await settle();
      far.pause();
    }
  });

  test("forgets what waits of a sender that has finished, and has room for others", async () => {
    const { wire, far } = start(undefined, { writeAheadBytes: 1_000, maxUnwrittenBytes: 600_000 });
    const [gone, stays] = [{ finished: false }, { finished: false }];
    wire.send(bytes(1, 200_000));
    const waits = [gone, stays, gone].map((sender, n) => wire.send(bytes(3 + 2 * n, 100_000), sender));
    assert.throws(
      () => wire.checkRoom(150_000),
      (err) => hasCode(err, StatusCode.resourceExhausted),
    );
    wire.drop(gone);
    await Promise.all([waits[0], waits[2]]);
    wire.checkRoom(150_000);
    const peer = new RawPeer(far);
    assert.deepEqual(
      (await peer.take(2)).map(({ streamId }) => streamId),
      [1, 5],
    );
    await waits[1];
    wire.send(bytes(9));
    assert.deepEqual((await peer.take(1))[0]?.streamId, 9);
  });

  test("of what waits ends with the connection: nobody waits for ever", async () => {
    const { wire } = start(undefined, { writeAheadBytes: 1_000 });
    const waits = [1, 3, 5].map((id) => wire.send(bytes(id, 100_000)));
    const { caughtUp } = wire;
    assert.ok(caughtUp !== undefined && waits[2] !== undefined);
    wire.end(reason);
    await Promise.all([...waits, caughtUp]);
    assert.equal(wire.caughtUp, undefined);
    assert.throws(
      () => wire.send(bytes(7)),
      (err) => err === reason,
    );
  });
});

describe("the end", () => {
  test("is told once, with the first reason, before anybody who waits for it", async () => {
    const { wire, near, ends } = start();
    wire.end(reason);
    wire.end(new StatusError(StatusCode.internal, "second"));
    near.emit("error", new Error("third"));
    assert.deepEqual(ends, [reason]);
    assert.equal(await wire.closed, reason);
    assert.equal(wire.reason, reason);
    assert.equal(near.destroyed, true);
  });

  test("by finish comes when all is written, and what the peer sends meanwhile is not read", async () => {
    const seen: number[] = [];
    const { wire, far } = start(
      ({ streamId }) => {
        seen.push(streamId);
        return undefined;
      },
      { writeAheadBytes: 1_000 },
    );
    for (const id of [1, 3, 5]) wire.send(bytes(id, 100_000));
    const finished = wire.finish(reason);
    far.write(Buffer.from([0, 0, 0, 0, 0, 0, 0, 9, 3, 4]));
    await settle();
    assert.equal(wire.reason, undefined);
    const peer = new RawPeer(far);
    assert.equal((await peer.take(3)).at(-1)?.streamId, 5);
    await finished;
    assert.equal(await wire.closed, reason);
    assert.deepEqual(seen, []);
  });

  test("by finish is the peer's where that leaves first", async () => {
    const { wire, far } = start(undefined, { writeAheadBytes: 1_000 });
    for (const id of [1, 3, 5]) wire.send(bytes(id, 100_000));
    const finished = wire.finish(reason);
    far.destroy();
    await finished;
    assert.equal((await wire.closed).message, "connection closed by the peer");
  });

  for (const code of ["EPIPE", "ECONNRESET"]) {
    test(`by ${code} is the peer's close, with the error as cause`, async () => {
      const { wire, near } = start();
      const err = Object.assign(new Error(`write ${code}`), { code });
      near.destroy(err);
      const why = await wire.closed;
      assert.deepEqual([why.code, why.message], [StatusCode.unavailable, "connection closed by the peer"]);
      assert.equal(why.cause, err);
    });
  }
});

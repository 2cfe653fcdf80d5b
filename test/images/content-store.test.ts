import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, describe, test } from "node:test";
import { until } from "../../lab/until.ts";
import { StatusCode, StatusError } from "../../src/base/status.ts";
import { ContentStore } from "../../src/images/content-store.ts";
import { digestOf, hexOf } from "../../src/images/digest.ts";
import { status } from "../support/status.ts";
import { startChild } from "./child.ts";
import { breakingSource, hangingSource, large, sample, sourceOf } from "./samples.ts";
import { filesBelow, scratch } from "./scratch.ts";

const make = scratch();
const notRoot: string | false = process.getuid?.() === 0 ? false : "needs root";

function open(dir = make()) {
  const partial = (digest: `sha256:${string}`) => path.join(dir, "ingest", hexOf(digest));
  const blob = (digest: `sha256:${string}`) => path.join(dir, "blobs/sha256", hexOf(digest));
  return { dir, store: new ContentStore(dir), partial, blob };
}

async function readAll(stream: AsyncIterable<Uint8Array | string>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

describe("a content store", () => {
  test("has nothing at first, and makes nothing by looking", async () => {
    const { dir, store } = open(path.join(make(), "nothing"));
    const { digest } = sample("x");
    assert.equal(await store.has(digest), false);
    assert.deepEqual(await store.list(), []);
    await assert.rejects(store.read(digest, 10), status(StatusCode.notFound, new RegExp(digest)));
    await assert.rejects(store.open(digest), status(StatusCode.notFound, new RegExp(digest)));
    assert.equal(await store.remove(digest), 0);
    assert.equal(fs.existsSync(dir), false);
  });

  test("gives what was put in, and lists and removes it", async () => {
    const { store } = open();
    const blob = large(100_000);
    await store.ingest(blob, sourceOf(blob.bytes).source);
    assert.equal(await store.has(blob.digest), true);
    assert.deepEqual(await store.read(blob.digest, 100_000), blob.bytes);
    assert.deepEqual(await readAll(await store.open(blob.digest)), blob.bytes);
    assert.deepEqual(await store.list(), [blob.digest]);
    assert.equal(await store.remove(blob.digest), 100_000);
    assert.deepEqual(await store.list(), []);
  });

  test("is for its owner's eyes only", async () => {
    const { dir, store, blob } = open(path.join(make(), "new"));
    const { digest, bytes, ...rest } = sample("x");
    await store.ingest({ digest, ...rest }, sourceOf(bytes).source);
    for (const name of [".", "blobs", "blobs/sha256", "ingest", "locks"]) {
      assert.equal(fs.statSync(path.join(dir, name)).mode & 0o777, 0o700, name);
    }
    assert.equal(fs.statSync(blob(digest)).mode & 0o777, 0o600);
  });

  test("takes an empty blob without asking for it", async () => {
    const { store } = open();
    const blob = sample("");
    await store.ingest(blob, () => assert.fail("asked"));
    assert.deepEqual(await store.read(blob.digest, 0), Buffer.alloc(0));
  });

  test("reads no more of a blob into memory than it may", async () => {
    const { store } = open();
    const blob = sample("12345");
    await store.ingest(blob, sourceOf(blob.bytes).source);
    assert.equal((await store.read(blob.digest, 5)).toString(), "12345");
    await assert.rejects(
      store.read(blob.digest, 4),
      status(StatusCode.resourceExhausted, /larger than 4 bytes/),
    );
  });

  test("finds out that a small blob is damaged, and lets it be fetched again", async () => {
    const { store, blob: fileOf } = open();
    const blob = sample("12345");
    await store.ingest(blob, sourceOf(blob.bytes).source);
    fs.writeFileSync(fileOf(blob.digest), "12x45");
    await assert.rejects(
      store.read(blob.digest, 5),
      status(StatusCode.dataLoss, /was damaged, and is removed/),
    );
    assert.equal(await store.has(blob.digest), false);
  });

  test("fetches again what has lost its end in a power cut", async () => {
    const { store, blob: fileOf } = open();
    const blob = large(5_000);
    await store.ingest(blob, sourceOf(blob.bytes).source);
    fs.truncateSync(fileOf(blob.digest), 0);
    await store.ingest(blob, sourceOf(blob.bytes).source);
    assert.deepEqual(await store.read(blob.digest, 5_000), blob.bytes);
  });

  test("refuses a digest that is a path", async () => {
    const { store } = open();
    const digest = "sha256:../../../etc/passwd" as const;
    await assert.rejects(store.read(digest, 10), status(StatusCode.invalidArgument, /is not a digest/));
    await assert.rejects(store.remove(digest), status(StatusCode.invalidArgument, /is not a digest/));
    const ingest = store.ingest({ mediaType: "x", digest, size: 1 }, sourceOf(Buffer.from("x")).source);
    await assert.rejects(ingest, status(StatusCode.invalidArgument, /is not a digest/));
  });
});

describe("what comes in", () => {
  test("is asked for once by all who want it, and tells all how much of it is there", async () => {
    const { dir, store } = open();
    const blob = large(100_000);
    const { source, offsets } = sourceOf(blob.bytes);
    const totals: number[] = [];
    const ingests = Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? store : new ContentStore(dir)).ingest(blob, source, {
        onBytes: (total) => {
          totals[index] = total;
        },
      }),
    );
    await Promise.all(ingests);
    assert.deepEqual(offsets, [0]);
    assert.deepEqual(totals, Array(20).fill(100_000));
    await store.ingest(blob, () => assert.fail("asked for what is there"));
  });

  test("is gone on with where its source broke", async () => {
    const { store, partial } = open();
    const blob = large(10_000);
    const broken = store.ingest(blob, breakingSource(blob.bytes, 4_000));
    await assert.rejects(broken, /^Error: the line broke$/);
    assert.equal(fs.statSync(partial(blob.digest)).size, 4_000);
    assert.equal(await store.has(blob.digest), false);
    const { source, offsets } = sourceOf(blob.bytes);
    const totals: number[] = [];
    await store.ingest(blob, source, { onBytes: (total) => totals.push(total) });
    assert.deepEqual(offsets, [4_000]);
    assert.equal(totals[0], 4_000);
    assert.equal(totals.at(-1), 10_000);
    assert.deepEqual(await store.read(blob.digest, 10_000), blob.bytes);
    assert.equal(fs.existsSync(partial(blob.digest)), false);
  });

  test("is gone on with where a process was killed", async () => {
    const { dir, store, partial } = open();
    const blob = large(200_000);
    const log = path.join(make(), "offsets");
    const child = startChild("ingest-main", dir, "200000", "150000", log);
    await until("150000 bytes", () => (sizeOf(partial(blob.digest)) === 150_000 ? true : undefined));
    await child.kill();
    const { source, offsets } = sourceOf(blob.bytes);
    await store.ingest(blob, source);
    assert.deepEqual([fs.readFileSync(log, "utf8"), offsets], ["0\n", [150_000]]);
    assert.deepEqual(await store.read(blob.digest, 200_000), blob.bytes);
    assert.deepEqual(filesBelow(path.join(dir, "ingest")), []);
  });

  test("is taken over from a process that is killed while others wait for it", async () => {
    const { dir, store, partial } = open();
    const blob = large(200_000);
    const child = startChild("ingest-main", dir, "200000", "150000", path.join(make(), "offsets"));
    await until("150000 bytes", () => (sizeOf(partial(blob.digest)) === 150_000 ? true : undefined));
    const { source, offsets } = sourceOf(blob.bytes);
    const totals: number[] = [];
    const ours = store.ingest(blob, source, { onBytes: (total) => totals.push(total) });
    await until("the other's bytes", () => (totals.includes(150_000) ? true : undefined));
    assert.deepEqual(offsets, []);
    await child.kill();
    await ours;
    assert.deepEqual(offsets, [150_000]);
  });

  test("is fetched anew where what was there of it is wrong", async () => {
    const { store, partial } = open();
    const blob = large(10_000);
    await assert.rejects(store.ingest(blob, breakingSource(blob.bytes, 4_000)));
    fs.writeFileSync(partial(blob.digest), Buffer.alloc(4_000));
    const { source, offsets } = sourceOf(blob.bytes);
    await store.ingest(blob, source);
    assert.deepEqual(offsets, [4_000, 0]);
    assert.deepEqual(await store.read(blob.digest, 10_000), blob.bytes);
  });

  test("is fetched anew where more was there of it than it has", async () => {
    const { store, dir, partial } = open();
    const blob = large(1_000);
    fs.mkdirSync(path.join(dir, "ingest"));
    fs.writeFileSync(partial(blob.digest), Buffer.alloc(2_000));
    const { source, offsets } = sourceOf(blob.bytes);
    await store.ingest(blob, source);
    assert.deepEqual(offsets, [0]);
  });

  test("is not asked for where all of it was there before a process was killed", async () => {
    const { store, dir, partial } = open();
    const blob = large(1_000);
    fs.mkdirSync(path.join(dir, "ingest"));
    fs.writeFileSync(partial(blob.digest), blob.bytes);
    await store.ingest(blob, () => assert.fail("asked"));
    assert.equal(await store.has(blob.digest), true);
  });

  const wrong: [what: string, given: (bytes: Buffer) => Buffer, problem: (digest: string) => RegExp][] = [
    [
      "has other bytes",
      () => Buffer.alloc(3_000),
      (digest) => new RegExp(`${digest} is not what .* that is sha256:`),
    ],
    [
      "is too short",
      (bytes) => bytes.subarray(1),
      (digest) => new RegExp(`${digest} has only 2999 of its 3000 bytes`),
    ],
    [
      "is too long",
      (bytes) => Buffer.concat([bytes, bytes]),
      (digest) => new RegExp(`${digest} has more than its 3000`),
    ],
  ];
  for (const [what, given, problem] of wrong) {
    test(`is refused where it ${what}, and nothing of it stays`, async () => {
      const { dir, store } = open();
      const blob = large(3_000);
      const ingest = store.ingest(blob, sourceOf(given(blob.bytes), 700).source);
      await assert.rejects(ingest, status(StatusCode.dataLoss, problem(blob.digest)));
      assert.deepEqual(filesBelow(dir), []);
    });
  }

  test("is read no further than it should be long", async () => {
    const { store } = open();
    const blob = large(1_000);
    let given = 0;
    const endless = async function* () {
      for (;;) {
        given += 1_000;
        yield Buffer.alloc(1_000);
      }
    };
    await assert.rejects(
      store.ingest(blob, endless),
      status(StatusCode.dataLoss, /has more than its 1000 bytes/),
    );
    assert.equal(given, 2_000);
  });

  test("is left at once when it is not wanted any more, also by a source that hangs", async () => {
    const { store, partial } = open();
    const blob = large(10_000);
    const controller = new AbortController();
    const { signal } = controller;
    const ingest = store.ingest(blob, hangingSource(blob.bytes, 6_000), { signal });
    await until("its beginning", () => (sizeOf(partial(blob.digest)) === 6_000 ? true : undefined));
    controller.abort(new StatusError(StatusCode.cancelled, "enough"));
    await assert.rejects(ingest, status(StatusCode.cancelled, /^enough$/));
    const { source, offsets } = sourceOf(blob.bytes);
    await store.ingest(blob, source);
    assert.deepEqual(offsets, [6_000]);
  });

  test("ends for its source when nobody wants it any more", async () => {
    const { store } = open();
    const blob = large(10_000);
    const controller = new AbortController();
    let seen: AbortSignal | undefined;
    const ingest = store.ingest(
      blob,
      (offset, signal) => {
        seen = signal;
        return hangingSource(blob.bytes, 1)(offset);
      },
      { signal: controller.signal },
    );
    await until("the source", () => seen);
    controller.abort();
    await assert.rejects(ingest);
    assert.equal(seen?.aborted, true);
  });

  test("leaves no descriptor open, however it ends", async () => {
    const { dir, store } = open();
    for (const [index, given] of [large(3_000, 2), sample("")].entries()) {
      const blob = large(3_000, 10 + index);
      await assert.rejects(store.ingest(blob, sourceOf(given.bytes).source));
      await assert.rejects(store.ingest(blob, breakingSource(blob.bytes, 100)));
      await store.ingest(blob, sourceOf(blob.bytes).source);
      await readAll(await store.open(blob.digest));
    }
    await until("closed descriptors", () => openBelow(dir).length === 0 || undefined);
  });
});

describe("a full disk", { skip: notRoot }, () => {
  const disk = make();
  if (notRoot === false) {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k,mode=0700", "ebb-test", disk]);
    after(() => execFileSync("umount", [disk]));
  }

  test("is one clear error, and leaves nothing half made", async () => {
    const { store } = open(disk);
    const small = large(50_000, 2);
    await store.ingest(small, sourceOf(small.bytes).source);
    const before = filesBelow(disk);
    const blob = large(1_000_000);
    const ingest = store.ingest(blob, sourceOf(blob.bytes).source);
    await assert.rejects(
      ingest,
      status(StatusCode.resourceExhausted, /^cannot write .*ingest\/[0-9a-f]{64}: ENOSPC$/),
    );
    assert.deepEqual(filesBelow(disk), before);
    const next = large(50_000, 3);
    await store.ingest(next, sourceOf(next.bytes).source);
    assert.deepEqual((await store.list()).sort(), [small.digest, next.digest].sort());
  });
});

test("what is asked for while the same is wrong for another is asked for anew", async () => {
  const { store } = open();
  const blob = large(1_000);
  const bad = { ...blob, digest: digestOf("something else") };
  await assert.rejects(
    store.ingest(bad, sourceOf(blob.bytes).source),
    status(StatusCode.dataLoss, /that is/),
  );
  await store.ingest(blob, sourceOf(blob.bytes).source);
  assert.deepEqual(await store.list(), [blob.digest]);
});

/** What this process has open in a directory. */
function openBelow(dir: string): string[] {
  const links = fs.readdirSync("/proc/self/fd").map((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return "";
    }
  });
  return links.filter((link) => link.startsWith(dir));
}

function sizeOf(file: string): number {
  return fs.existsSync(file) ? fs.statSync(file).size : 0;
}

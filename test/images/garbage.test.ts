import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { StatusCode } from "../../src/base/status.ts";
import { ContentStore } from "../../src/images/content-store.ts";
import { type Digest, digestOf } from "../../src/images/digest.ts";
import { collectGarbage } from "../../src/images/garbage.ts";
import { ImageStore } from "../../src/images/image-store.ts";
import { MANIFEST_TYPES } from "../../src/images/media-types.ts";
import { whileUsingImages, withoutUsers } from "../../src/images/users.ts";
import { status } from "../support/status.ts";
import { startChild } from "./child.ts";
import {
  breakingSource,
  image,
  index,
  large,
  refer,
  type Sample,
  sample,
  settle,
  sourceOf,
} from "./samples.ts";
import { filesBelow, scratch } from "./scratch.ts";

const make = scratch();
const createdAt = "2026-01-02T03:04:05.000Z";
const AT_ONCE = { limitMs: 0 };
const PATIENT = { limitMs: 60_000 };

async function place(...blobs: readonly Sample[]) {
  const dir = make();
  const store = new ContentStore(dir);
  const images = new ImageStore(dir);
  for (const blob of blobs) await store.ingest(blob, sourceOf(blob.bytes).source);
  return { dir, store, images };
}

const digests = (...blobs: readonly Sample[]) => blobs.map(({ digest }) => digest).sort();

describe("garbage", () => {
  test("is what no image refers to", async () => {
    const [kept, gone] = [image(["shared", "kept"]), image(["shared", "gone"])];
    const { dir, store, images } = await place(...kept.blobs, ...gone.blobs);
    await images.put({ reference: "kept", target: refer(kept.manifest), createdAt });
    await images.put({ reference: "gone", target: refer(gone.manifest), createdAt });
    assert.deepEqual((await collectGarbage(dir, AT_ONCE)).blobs, []);
    await images.remove("gone");
    const expected = [gone.manifest, gone.config, ...gone.layers.slice(1)];
    const { blobs, bytes } = await collectGarbage(dir, AT_ONCE);
    assert.deepEqual([...blobs].sort(), digests(...expected));
    assert.equal(
      bytes,
      expected.reduce((sum, { size }) => sum + size, 0),
    );
    assert.deepEqual((await store.list()).sort(), digests(...kept.blobs));
  });

  test("is nothing that an index leads to, also where it is there for one platform only", async () => {
    const [here, elsewhere] = [image(["here"]), image(["elsewhere"])];
    const list = index([refer(elsewhere.manifest), refer(here.manifest)]);
    const other = sample("other");
    const { dir, store, images } = await place(list, ...here.blobs, other);
    await images.put({ reference: "a", target: refer(list), createdAt });
    assert.deepEqual((await collectGarbage(dir, AT_ONCE)).blobs, [other.digest]);
    assert.deepEqual((await store.list()).sort(), digests(list, ...here.blobs));
  });

  test("is no reason to stop where a document means nothing", async () => {
    const odd = sample("not json", "application/vnd.oci.image.manifest.v1+json");
    const other = sample("other");
    const { dir, images } = await place(odd, other);
    await images.put({ reference: "odd", target: refer(odd), createdAt });
    assert.deepEqual((await collectGarbage(dir, AT_ONCE)).blobs, [other.digest]);
  });

  test("is no reason to stop where an index calls a layer a manifest, or has what nobody knows", async () => {
    const here = image(["x".repeat(5 << 20)]);
    const [layer, other] = [here.layers[0] ?? sample(""), sample("other")];
    const unknown = { mediaType: "application/odd" };
    const entries = [refer(layer, { mediaType: MANIFEST_TYPES[0] }), refer(here.config, unknown)];
    const list = index([...entries, refer(here.manifest)]);
    const { dir, store, images } = await place(list, ...here.blobs, other);
    await images.put({ reference: "a", target: refer(list), createdAt });
    assert.deepEqual((await collectGarbage(dir, AT_ONCE)).blobs, [other.digest]);
    assert.deepEqual((await store.list()).sort(), digests(list, ...here.blobs));
  });

  test("are the unpacked layers that no image needs", async () => {
    const kept = image(["lower", "upper"]);
    const { dir, images } = await place(...kept.blobs);
    await images.put({ reference: "kept", target: refer(kept.manifest), createdAt });
    const [lower, upper] = [digestOf("lower"), digestOf(`${digestOf("lower")} ${digestOf("upper")}`)];
    const removed: Digest[] = [];
    const layers = {
      list: async () => [upper, digestOf("gone"), lower],
      remove: async (chainIds: readonly Digest[]) => removed.push(...chainIds),
    };
    assert.deepEqual((await collectGarbage(dir, { ...AT_ONCE, layers })).chainIds, [digestOf("gone")]);
    assert.deepEqual(removed, [digestOf("gone")]);
  });

  test("is what killed processes have left, but not what the next attempt goes on with", async () => {
    const { dir, store } = await place();
    const blob = large(5_000);
    const old = large(5_000, 2);
    for (const one of [blob, old]) await assert.rejects(store.ingest(one, breakingSource(one.bytes, 1_000)));
    const yesterday = Date.now() / 1000 - 25 * 3600;
    fs.utimesSync(path.join(dir, "ingest", old.digest.slice(7)), yesterday, yesterday);
    const dead = "4194305.1.1";
    for (const name of [
      `images/x.json.${dead}.tmp`,
      `locks/x.1.2.3.${dead}.waiting`,
      `layers/locks/x.1.2.3.${dead}.waiting`,
      "locks/y.lock",
      `locks/y.lock.after.${dead}`,
      "layers/locks/y.lock",
    ]) {
      fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
      if (name.includes(".lock")) fs.symlinkSync(`${dead}@0123456789abcdef`, path.join(dir, name));
      else fs.writeFileSync(path.join(dir, name), "");
    }
    await collectGarbage(dir, AT_ONCE);
    assert.deepEqual(filesBelow(dir), [`ingest/${blob.digest.slice(7)}`]);
  });

  test("is not collected while somebody fetches an image", async () => {
    const blob = sample("new");
    const { dir, store } = await place(blob);
    const end = deferred();
    const user = whileUsingImages(dir, () => end.promise);
    await settle();
    const refused = new RegExp(`are being fetched or unpacked by pid ${process.pid}$`);
    await assert.rejects(collectGarbage(dir, AT_ONCE), status(StatusCode.unavailable, refused));
    assert.deepEqual(await store.list(), [blob.digest]);
    const patient = collectGarbage(dir, PATIENT);
    await settle();
    end.resolve();
    await user;
    assert.deepEqual((await patient).blobs, [blob.digest]);
    assert.deepEqual(filesBelow(dir), []);
  });

  test("is collected though somebody was killed who fetched an image", async () => {
    const { dir } = await place(sample("x"));
    const child = startChild("lock-main", path.join(dir, "locks/users/1.2.3.lock"));
    await child.line();
    await assert.rejects(collectGarbage(dir, AT_ONCE), status(StatusCode.unavailable, /unpacked by pid/));
    await child.kill();
    assert.equal((await collectGarbage(dir, AT_ONCE)).blobs.length, 1);
  });

  test("is waited for by whoever comes while it is collected", async () => {
    const dir = make();
    const end = deferred();
    const collector = withoutUsers(dir, AT_ONCE, () => end.promise);
    await settle();
    let isAtWork = false;
    const user = whileUsingImages(dir, async () => {
      isAtWork = true;
    });
    await settle();
    assert.equal(isAtWork, false);
    end.resolve();
    await Promise.all([collector, user]);
    assert.equal(isAtWork, true);
    assert.deepEqual(filesBelow(dir), []);
  });

  test("keeps nobody from fetching while it waits for others", async () => {
    const dir = make();
    const end = deferred();
    const first = whileUsingImages(dir, () => end.promise);
    await settle();
    const patient = collectGarbage(dir, PATIENT);
    await settle();
    assert.equal(await whileUsingImages(dir, async () => "fetched"), "fetched");
    end.resolve();
    await Promise.all([first, patient]);
  });

  test("is not waited for by who does not want it any more", async () => {
    const dir = make();
    const end = deferred();
    const collector = withoutUsers(dir, AT_ONCE, () => end.promise);
    await settle();
    const controller = new AbortController();
    const user = whileUsingImages(dir, async () => assert.fail("at work"), controller.signal);
    await settle();
    controller.abort(new Error("enough"));
    await assert.rejects(user, /^Error: enough$/);
    end.resolve();
    await collector;
  });
});

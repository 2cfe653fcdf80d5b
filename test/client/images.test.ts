import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { StatusCode } from "../../src/base/status.ts";
import { listImages } from "../../src/client/images/list-images.ts";
import { removeImage } from "../../src/client/images/remove-image.ts";
import { sweepImages } from "../../src/client/images/sweep-images.ts";
import { ensureImage, holdImage, type ImageEvent } from "../../src/client/images.ts";
import { status } from "../support/status.ts";
import { ebb } from "./cli/built-ebb.ts";
import { type FakeRegistry, serveImage } from "./cli/fake-registry.ts";
import { countFiles, placeImage } from "./image-place.ts";
import { noContainers, openFiles, scratchDir } from "./support.ts";

const skip = noContainers;
const dir = scratchDir();
const NOTHING = { "blobs/sha256": 0, "layers/sha256": 0, "layers/tmp": 0, images: 0 };
const ALL = { "blobs/sha256": 3, "layers/sha256": 1, "layers/tmp": 0, images: 1 };

/** Has the images of this process in a directory of its own from now on. */
function place(name: string): string {
  const images = path.join(dir, name);
  process.env.EBB_IMAGES_DIR = images;
  return images;
}

/** An uncompressed archive with one entry of this name. */
function archiveOf(name: string): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  for (const [value, at, width] of [
    [0o644, 100, 8],
    [0, 108, 8],
    [0, 116, 8],
    [0, 124, 12],
    [0, 136, 12],
  ] as const)
    header.write(value.toString(8).padStart(width - 1, "0"), at);
  header.write("ustar\u000000", 257, "latin1");
  header.write("0", 156);
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\u0000 `, 148, "latin1");
  return Buffer.concat([header, Buffer.alloc(1024)]);
}

describe("getting an image", { skip }, () => {
  let registry: FakeRegistry | undefined;
  let reference = "";
  before(async () => {
    const rootfs = path.join(dir, "rootfs");
    fs.mkdirSync(rootfs);
    fs.writeFileSync(path.join(rootfs, "file"), "of the registry");
    registry = await serveImage(rootfs);
    reference = `${registry.host}/app:v1`;
  });
  after(() => registry?.close());
  const asked = () => registry?.blobs() ?? 0;

  test("fetches it where it is not here, and says what it is made of and how it is run", async () => {
    const images = place("missing");
    const { lowerDirs, config, ...image } = await ensureImage(reference);
    assert.equal(image.reference, reference);
    assert.deepEqual(
      lowerDirs.map((lower) => fs.readFileSync(path.join(lower, "file"), "utf8")),
      ["of the registry"],
    );
    assert.ok(lowerDirs.every((lower) => lower.startsWith(images)));
    assert.deepEqual(config, {
      ...{ entrypoint: [], cmd: ["/bin/sh"], env: ["PATH=/bin"] },
      ...{ workingDir: "/", user: "", stopSignal: "" },
    });
    assert.deepEqual(countFiles(images), ALL);
  });

  test("asks nobody for one that is here, unless it is to", async () => {
    place("missing");
    const before = asked();
    const first = await ensureImage(reference);
    assert.deepEqual(await ensureImage(reference, { pull: "never" }), first);
    assert.deepEqual(await ensureImage(reference, { pull: "always" }), first);
    assert.equal(asked(), before);
  });

  test("fetches again what of it has been lost since", async () => {
    const images = place("missing");
    const layers = fs.readdirSync(path.join(images, "blobs/sha256"));
    for (const name of layers.slice(0, 1)) fs.rmSync(path.join(images, "blobs/sha256", name));
    await ensureImage(reference);
    assert.deepEqual(countFiles(images), ALL);
  });

  test("never fetches one where it may not", async () => {
    const images = place("never");
    const wanted = status(StatusCode.notFound, /^image .*app:v1 is not here$/);
    await assert.rejects(ensureImage(reference, { pull: "never" }), wanted);
    assert.deepEqual(countFiles(images), NOTHING);
  });

  test("tells what happens on the way, in its order", async () => {
    place("events");
    const events: ImageEvent[] = [];
    await ensureImage(reference, { onProgress: (event) => events.push(event) });
    const kinds = new Set(events.map((event) => (event.kind === "layer" ? event.phase : event.kind)));
    const order = ["layers", "waiting", "fetching", "fetched", "unpacking", "writing", "done"];
    assert.deepEqual([...kinds], order);
    const again: ImageEvent[] = [];
    await ensureImage(reference, { onProgress: (event) => again.push(event) });
    assert.deepEqual(
      again.map((event) => (event.kind === "layer" ? event.phase : event.kind)),
      ["layers", "waiting", "done"],
    );
  });

  test("asks for each blob once, however many want the image in however many processes", async () => {
    const images = place("many");
    const before = asked();
    const env = { EBB_IMAGES_DIR: images };
    const processes = Array.from({ length: 4 }, () => ebb(["pull", "-q", reference], { env }));
    const here = Array.from({ length: 10 }, () => ensureImage(reference, { pull: "always" }));
    const names = (await Promise.all(processes)).map(({ stdout, stderr }) => stdout + stderr);
    const { digest } = (await Promise.all(here))[0] ?? { digest: "" };
    assert.deepEqual([...new Set(names)], [`${reference}@${digest}\n`]);
    assert.equal(asked() - before, 2);
    assert.deepEqual(countFiles(images), ALL);
  });

  test("leaves no descriptor open", async () => {
    const images = place("descriptors");
    await ensureImage(reference);
    await ensureImage(reference, { pull: "always" });
    assert.deepEqual(openFiles(images), []);
  });

  test("is given up by the signal, and goes on from there the next time", async () => {
    const images = place("given-up");
    const controller = new AbortController();
    const onProgress = () => controller.abort(new Error("not any more"));
    await assert.rejects(ensureImage(reference, { onProgress, signal: controller.signal }), /not any more/);
    assert.equal(countFiles(images).images, 0);
    await ensureImage(reference);
    assert.deepEqual(countFiles(images), ALL);
  });

  test("keeps it from removal until it is let go", async () => {
    const images = place("held");
    const { release } = await holdImage(reference);
    await removeImage(reference, { force: false });
    assert.equal(await sweepImages(0), false);
    assert.deepEqual(countFiles(images), { ...ALL, images: 0 });
    release();
    assert.equal(await sweepImages(), true);
    assert.deepEqual(countFiles(images), NOTHING);
  });
});

describe("getting an image that is hostile", { skip }, () => {
  /** A registry whose layer has an entry of this name. */
  async function withEntry(name: string, work: (reference: string) => Promise<void>): Promise<void> {
    const registry = await serveImage(gzipSync(archiveOf(name)));
    try {
      await work(`${registry.host}/app:v1`);
    } finally {
      await registry.close();
    }
  }

  test("names the entry, and leaves nothing", async () => {
    const images = place("hostile");
    await withEntry("../up", async (reference) => {
      await assert.rejects(
        ensureImage(reference),
        status(StatusCode.invalidArgument, /layer sha256:.*"\.\.\/up"/),
      );
      assert.deepEqual(countFiles(images), NOTHING);
    });
  });

  test("leaves what the name stood for before", async () => {
    place("hostile-before");
    await withEntry("../up", async (reference) => {
      const { digest } = await placeImage(process.env.EBB_IMAGES_DIR ?? "", reference, "before");
      await ensureImage(reference, { pull: "never" });
      await assert.rejects(ensureImage(reference, { pull: "always" }), /\.\.\/up/);
      assert.deepEqual(
        (await listImages()).map((image) => image.digest),
        [digest],
      );
      assert.equal((await ensureImage(reference)).digest, digest);
    });
  });
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { StatusCode, StatusError } from "../../../src/base/status.ts";
import { ContentStore } from "../../../src/images/content-store.ts";
import { digestOf } from "../../../src/images/digest.ts";
import { collectGarbage } from "../../../src/images/garbage.ts";
import { readImage } from "../../../src/images/image.ts";
import { ImageStore } from "../../../src/images/image-store.ts";
import { type LoadOptions, loadImages } from "../../../src/images/load/load.ts";
import { MANIFEST_TYPES } from "../../../src/images/media-types.ts";
import { makeFifo } from "../../support/files.ts";
import { status } from "../../support/status.ts";
import { image, index, large, refer, sample } from "../samples.ts";
import { filesBelow, scratch } from "../scratch.ts";
import { directory, file, hardlink, type RawEntry, symlink } from "../unpack/archive.ts";
import { blobName, dockerArchive, layout, namedLayout, tar } from "./archives.ts";

const make = scratch();
const AMD64 = { os: "linux", architecture: "amd64" };
const PLAIN = "application/vnd.oci.image.layer.v1.tar";
const [PLAIN_MANIFEST] = MANIFEST_TYPES;

/** Writes an archive and loads it into a new store. */
async function load(bytes: Buffer, options: Partial<LoadOptions> = {}) {
  const place = path.join(make(), "image.tar");
  fs.writeFileSync(place, bytes);
  return await loadFrom(place, options);
}

async function loadFrom(place: string, options: Partial<LoadOptions> = {}) {
  const dir = make();
  const records = await loadImages(place, dir, { maxBytes: 1 << 30, ...options });
  return { dir, records, store: new ContentStore(dir), images: new ImageStore(dir) };
}

/** Expects a refusal that leaves no record, and nothing that garbage collection does not remove. */
async function refuse(
  place: string,
  check: (thrown: unknown) => boolean,
  options: Partial<LoadOptions> = {},
) {
  const dir = make();
  await assert.rejects(loadImages(place, dir, { maxBytes: 1 << 30, ...options }), check);
  assert.deepEqual(await new ImageStore(dir).list(), []);
  await collectGarbage(dir, { limitMs: 0 });
  assert.deepEqual(filesBelow(dir), []);
}

async function refuseBytes(
  bytes: Buffer,
  code: StatusCode,
  problem: RegExp,
  options: Partial<LoadOptions> = {},
) {
  const place = path.join(make(), "image.tar");
  fs.writeFileSync(place, bytes);
  await refuse(place, status(code, problem), options);
}

function writeTree(entries: readonly RawEntry[]): string {
  const place = make();
  const archive = path.join(make(), "layout.tar");
  fs.writeFileSync(archive, tar(entries));
  execFileSync("tar", ["--extract", "--file", archive, "--directory", place]);
  return place;
}

describe("an OCI image layout", () => {
  const { entries, manifest, blobs } = namedLayout();
  const forms: [form: string, place: () => string][] = [
    ["a tar archive", () => written(tar(entries))],
    ["one packed by gzip", () => written(gzipSync(tar(entries)))],
    [
      "one whose names begin with ./",
      () => written(tar(entries.map((one) => ({ ...one, name: `./${one.name}` })))),
    ],
    ["a directory", () => writeTree(entries)],
  ];
  for (const [form, place] of forms) {
    test(`is loaded as ${form}`, async () => {
      const { store, images, records, dir } = await loadFrom(place());
      assert.deepEqual(
        records.map(({ reference }) => reference),
        ["docker.io/library/one:1"],
      );
      assert.deepEqual(await images.list(), records);
      assert.deepEqual((await store.list()).sort(), blobs.map(({ digest }) => digest).sort());
      assert.equal((await readImage(store, refer(manifest), AMD64)).layers.length, 2);
      assert.deepEqual(filesBelow(path.join(dir, "ingest")), []);
    });
  }

  test("of an image for several platforms is loaded with those that are in it", async () => {
    const [here, elsewhere] = [image(["here"]), image(["elsewhere"])];
    const list = index([
      refer(elsewhere.manifest, { platform: { os: "linux", architecture: "arm64" } }),
      refer(here.manifest, { platform: AMD64 }),
    ]);
    const annotations = { "org.opencontainers.image.ref.name": "ghcr.io/a/b:1" };
    const { store, records } = await load(tar(layout([refer(list, { annotations })], [list, ...here.blobs])));
    assert.equal(records[0]?.reference, "ghcr.io/a/b:1");
    assert.equal((await readImage(store, refer(list), AMD64)).manifest.digest, here.manifest.digest);
  });

  test("of an image with notes on how it was built is loaded without those", async () => {
    const [made, note] = [image(["layer"]), sample('{"artifactType":"application/odd"}')];
    const platform = { os: "unknown", architecture: "unknown" };
    const list = index([
      refer(made.manifest, { platform: AMD64 }),
      refer(note, { mediaType: PLAIN_MANIFEST, platform }),
    ]);
    const annotations = { "io.containerd.image.name": "a:1" };
    const blobs = [list, note, ...made.blobs];
    const { store, records } = await load(tar(layout([refer(list, { annotations })], blobs)));
    assert.equal(records[0]?.target.digest, list.digest);
    assert.deepEqual(
      (await readImage(store, refer(list), AMD64)).layers,
      made.layers.map((one) => refer(one)),
    );
  });

  test("has several images, one of them by two names", async () => {
    const [one, two] = [image(["one"]), image(["two"])];
    const named = (made: typeof one, name: string) =>
      refer(made.manifest, { annotations: { "io.containerd.image.name": name } });
    const targets = [named(one, "a:1"), named(one, "b:1"), named(two, "c:1")];
    const { records } = await load(tar(layout(targets, [...one.blobs, ...two.blobs])));
    assert.deepEqual(
      records.map(({ reference }) => reference),
      ["docker.io/library/a:1", "docker.io/library/b:1", "docker.io/library/c:1"],
    );
  });

  test("is given a name where it has none but a tag", async () => {
    const made = image(["x"]);
    const annotations = { "org.opencontainers.image.ref.name": "latest" };
    const bytes = tar(layout([refer(made.manifest, { annotations })], made.blobs));
    await refuseBytes(
      bytes,
      StatusCode.invalidArgument,
      /image.tar: image sha256:.* has no name, and needs to be given one$/,
    );
    const { records } = await load(bytes, { reference: "mine" });
    assert.equal(records[0]?.reference, "docker.io/library/mine:latest");
  });

  test("takes what the store has already, and tells how much of each blob is there", async () => {
    const totals = new Map<string, number>();
    await load(tar(entries), { onBytes: (digest, total) => totals.set(digest, total) });
    assert.deepEqual(totals, new Map(blobs.map(({ digest, size }) => [digest, size])));
  });
});

describe("a docker archive", () => {
  const [lower, upper] = ["lower", "upper"];
  const diffIds = [digestOf(lower), digestOf(upper)];

  test("is loaded by all its names, and gives the same image each time", async () => {
    const { entries, config } = dockerArchive([lower, upper], diffIds);
    const { store, records } = await load(tar(entries));
    assert.deepEqual(
      records.map(({ reference }) => reference),
      ["docker.io/library/busybox:1", "example.com/b:2"],
    );
    const [{ target } = assert.fail("no record")] = records;
    const found = await readImage(store, target, AMD64);
    assert.equal(found.configDescriptor.digest, config.digest);
    assert.deepEqual(found.diffIds, diffIds);
    assert.deepEqual(
      found.layers.map(({ digest, mediaType }) => [digest, mediaType]),
      diffIds.map((digest) => [digest, PLAIN]),
    );
    const again = await load(gzipSync(tar(entries)));
    assert.deepEqual(again.records[0]?.target, target);
  });

  test("has layers that are packed", async () => {
    const packed = gzipSync(lower);
    const { store, records } = await load(tar(dockerArchive([packed, upper], diffIds).entries));
    const [{ target } = assert.fail("no record")] = records;
    const [layer] = (await readImage(store, target, AMD64)).layers;
    assert.deepEqual(layer, { mediaType: `${PLAIN}+gzip`, digest: digestOf(packed), size: packed.length });
  });

  for (const link of [
    symlink("layer1/layer.tar", "../layer0/layer.tar"),
    hardlink("layer1/layer.tar", "layer0/layer.tar"),
  ]) {
    test(`has a layer that is a ${link.type === "2" ? "symbolic" : "hard"} link to another`, async () => {
      const { entries } = dockerArchive([lower, lower], [digestOf(lower), digestOf(lower)]);
      const linked = entries.map((one) => (one.name === link.name ? link : one));
      const { store, records } = await load(tar(linked));
      const [{ target } = assert.fail("no record")] = records;
      assert.equal((await readImage(store, target, AMD64)).layers[1]?.digest, digestOf(lower));
    });
  }

  test("is refused where a layer is another than its configuration says", async () => {
    const { entries } = dockerArchive([lower, "changed"], diffIds);
    const problem = /entry "layer1\/layer.tar" is not what it should be: blob sha256:.* that is sha256:/;
    await refuseBytes(tar(entries), StatusCode.dataLoss, problem);
  });

  test("is refused where it has another number of layers than its configuration", async () => {
    const { entries } = dockerArchive([lower], diffIds);
    await refuseBytes(tar(entries), StatusCode.invalidArgument, /names 2 layers, but manifest.json 1$/);
  });

  test("is refused where its list leads out of it", async () => {
    const entries = [file("manifest.json", JSON.stringify([{ Config: "../../etc/passwd", Layers: [] }]))];
    const problem = /entry "\.\.\/\.\.\/etc\/passwd" leads out of it$/;
    await refuseBytes(tar(entries), StatusCode.invalidArgument, problem);
    await refuse(writeTree(entries), status(StatusCode.invalidArgument, problem));
  });

  test("is refused where its list is none", async () => {
    await refuseBytes(
      tar([file("manifest.json", "{}")]),
      StatusCode.invalidArgument,
      /manifest.json: the document must be an array$/,
    );
  });
});

describe("a hostile archive", () => {
  const { entries, manifest, config, layers } = namedLayout();
  const replaced = (name: string, entry: RawEntry) => entries.map((one) => (one.name === name ? entry : one));
  const hostile: [what: string, entries: RawEntry[], code: StatusCode, problem: RegExp][] = [
    [
      "with a name that leads out",
      [file("../x", "x"), ...entries],
      StatusCode.invalidArgument,
      /entry "\.\.\/x" leads out of it$/,
    ],
    [
      "with a name that leads out by a way around",
      [file("a/../../x"), ...entries],
      StatusCode.invalidArgument,
      /entry "a\/\.\.\/\.\.\/x" leads out/,
    ],
    [
      "with an absolute name",
      [file("/etc/x"), ...entries],
      StatusCode.invalidArgument,
      /entry "\/etc\/x" leads out/,
    ],
    [
      "with an absolute link",
      [symlink("x", "/etc/passwd"), ...entries],
      StatusCode.invalidArgument,
      /entry "x" is a link that leads out of it$/,
    ],
    [
      "with a link that leads out",
      [symlink("a/x", "../../etc"), ...entries],
      StatusCode.invalidArgument,
      /entry "a\/x" is a link that leads out/,
    ],
    [
      "with a hard link that leads out",
      [hardlink("a/x", "../etc"), ...entries],
      StatusCode.invalidArgument,
      /entry "a\/x" is a link that leads out/,
    ],
    [
      "with a link to itself",
      replaced("index.json", symlink("index.json", "index.json")),
      StatusCode.invalidArgument,
      /entry "index.json" is a link without end$/,
    ],
    [
      "with a device",
      [{ name: "sda", type: "4", major: 8 }, ...entries],
      StatusCode.invalidArgument,
      /entry "sda" is neither a file/,
    ],
    [
      "with a fifo",
      [{ name: "pipe", type: "6" }, ...entries],
      StatusCode.invalidArgument,
      /entry "pipe" is neither a file/,
    ],
    [
      "without a layer",
      entries.filter(({ name }) => name !== blobName(layers[0] ?? manifest)),
      StatusCode.notFound,
      /entry "blobs\/sha256\/[0-9a-f]{64}" is not there$/,
    ],
    [
      "with a changed layer",
      replaced(blobName(layers[0] ?? manifest), file(blobName(layers[0] ?? manifest), "LOWER")),
      StatusCode.dataLoss,
      /is not what came under its name/,
    ],
    [
      "with a short layer",
      replaced(blobName(layers[0] ?? manifest), file(blobName(layers[0] ?? manifest), "low")),
      StatusCode.dataLoss,
      /has only 3 of its 5 bytes$/,
    ],
    [
      "with a long configuration",
      replaced(blobName(config), file(blobName(config), Buffer.alloc(10_000))),
      StatusCode.dataLoss,
      /has more than its/,
    ],
    [
      "with an index that is none",
      replaced("index.json", file("index.json", "[]")),
      StatusCode.invalidArgument,
      /index.json: the document must/,
    ],
    [
      "with a directory as its index",
      replaced("index.json", directory("index.json")),
      StatusCode.invalidArgument,
      /is neither an OCI image layout .* nor a docker archive/,
    ],
    [
      "with an index that fills the memory",
      replaced("index.json", file("index.json", Buffer.alloc((4 << 20) + 1))),
      StatusCode.resourceExhausted,
      /entry "index.json" is larger than 4194304 bytes$/,
    ],
    [
      "with nothing in it",
      [],
      StatusCode.invalidArgument,
      /is neither an OCI image layout \(index.json\) nor a docker archive \(manifest.json\)$/,
    ],
    ["with no image in it", layout([], []), StatusCode.invalidArgument, /has no image in it$/],
    [
      "with something else than an image",
      layout([{ ...refer(sample("{}")), mediaType: "text/plain" }], []),
      StatusCode.unimplemented,
      /is neither an image nor/,
    ],
    [
      "whose name is no name",
      namedLayout("Not/A/Name:").entries,
      StatusCode.invalidArgument,
      /^image reference "Not\/A\/Name:"/,
    ],
  ];
  for (const [what, bad, code, problem] of hostile) {
    test(`${what} is refused, and leaves nothing`, async () => await refuseBytes(tar(bad), code, problem));
  }

  test("with more entries than any image has is refused", async () => {
    const many = Array.from({ length: 100_001 }, (_, place) => file(`f${place}`));
    await refuseBytes(tar(many), StatusCode.resourceExhausted, /has more than 100000 entries$/);
  });

  test("that is a bomb is refused as soon as it is too large", async () => {
    const bomb = gzipSync(tar([...entries, file("zeros", Buffer.alloc(8 << 20))]));
    const problem = /image.tar is larger than 1000000 bytes unpacked$/;
    await refuseBytes(bomb, StatusCode.resourceExhausted, problem, { maxBytes: 1_000_000 });
  });

  const cuts: [what: string, bytes: Buffer, code: StatusCode, problem: RegExp][] = [
    [
      "that ends too early",
      tar(entries).subarray(0, 2_000),
      StatusCode.invalidArgument,
      /image.tar is not a whole tar archive: /,
    ],
    [
      "that is text",
      Buffer.from("hello ".repeat(1_000)),
      StatusCode.invalidArgument,
      /image.tar is not a whole tar archive: /,
    ],
    [
      "that is packed and ends too early",
      gzipSync(tar(entries)).subarray(0, 200),
      StatusCode.dataLoss,
      /image.tar: .*/,
    ],
    [
      "that is packed by xz",
      Buffer.from("fd377a585a000000", "hex"),
      StatusCode.unimplemented,
      /is packed by xz, which is not supported$/,
    ],
    [
      "that is a zip archive",
      Buffer.from("504b030400000000", "hex"),
      StatusCode.unimplemented,
      /is packed by zip/,
    ],
  ];
  for (const [what, bytes, code, problem] of cuts) {
    test(`${what} is refused, and leaves nothing`, async () => await refuseBytes(bytes, code, problem));
  }
});

describe("a hostile directory", () => {
  const { entries, layers } = namedLayout();
  const name = blobName(layers[0] ?? assert.fail());

  test("whose blob is a link that leads out is refused", async () => {
    const place = writeTree(entries);
    fs.rmSync(path.join(place, name));
    fs.symlinkSync("/etc/passwd", path.join(place, name));
    await refuse(place, status(StatusCode.invalidArgument, /is a link that leads out of it$/));
  });

  test("whose blob is a fifo is refused, and not waited for", async () => {
    const place = writeTree(entries);
    fs.rmSync(path.join(place, name));
    makeFifo(path.join(place, name));
    await refuse(place, status(StatusCode.invalidArgument, /is no file$/));
  });

  test("that is not there, or is no file, is named", async () => {
    await refuse(
      "/nosuchdir/image.tar",
      status(StatusCode.notFound, /^cannot open \/nosuchdir\/image.tar: ENOENT$/),
    );
    await refuse(
      "/dev/null",
      status(StatusCode.invalidArgument, /^\/dev\/null is neither a file nor a directory$/),
    );
  });
});

describe("loading", () => {
  test("refuses one name for several images", async () => {
    const [one, two] = [image(["one"]), image(["two"])];
    const bytes = tar(layout([refer(one.manifest), refer(two.manifest)], [...one.blobs, ...two.blobs]));
    await refuseBytes(bytes, StatusCode.invalidArgument, /has 2 images, which cannot all be called mine$/, {
      reference: "mine",
    });
  });

  test("refuses a bad name before it reads anything", async () => {
    await refuse("/nosuchdir/x", status(StatusCode.invalidArgument, /must be in lower case$/), {
      reference: "Mine",
    });
  });

  test("stops when it is not wanted any more", async () => {
    const big = image([large(4 << 20).bytes.toString("latin1")]);
    const annotations = { "io.containerd.image.name": "a:1" };
    const controller = new AbortController();
    const place = written(tar(layout([refer(big.manifest, { annotations })], big.blobs)));
    const dir = make();
    const onBytes = () => controller.abort(new StatusError(StatusCode.cancelled, "enough"));
    const loading = loadImages(place, dir, { maxBytes: 1 << 30, signal: controller.signal, onBytes });
    await assert.rejects(loading, status(StatusCode.cancelled, /^enough$/));
    assert.deepEqual(await new ImageStore(dir).list(), []);
  });

  test("leaves no descriptor open", async () => {
    const { entries } = namedLayout();
    const before = open();
    for (const bytes of [tar(entries), gzipSync(tar(entries)), tar([file("../x"), ...entries])]) {
      await load(bytes).catch(() => {});
    }
    assert.deepEqual(open(), before);
  });
});

function written(bytes: Buffer): string {
  const place = path.join(make(), "image.tar");
  fs.writeFileSync(place, bytes);
  return place;
}

/** The descriptors that this process has open on files of the tests. */
function open(): string[] {
  const links = fs.readdirSync("/proc/self/fd").map((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return "";
    }
  });
  return links.filter((link) => /image\.tar|load\./.test(link));
}

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { chainIdsOf } from "../../src/images/chain-ids.ts";
import { ContentStore } from "../../src/images/content-store.ts";
import type { Descriptor, Platform } from "../../src/images/descriptor.ts";
import { digestOf } from "../../src/images/digest.ts";
import { readImage, selectManifest } from "../../src/images/image.ts";
import { parseConfig, parseIndex, parseManifest } from "../../src/images/manifest.ts";
import { CONFIG_TYPES, INDEX_TYPES, MANIFEST_TYPES } from "../../src/images/media-types.ts";
import { hostPlatform, platformName } from "../../src/images/platform.ts";
import { status } from "../support/status.ts";
import { image, index, json, refer, type Sample, sample, sourceOf } from "./samples.ts";
import { scratch } from "./scratch.ts";

const make = scratch();
const AMD64 = { os: "linux", architecture: "amd64" };
const ARM64 = { os: "linux", architecture: "arm64" };

async function storeOf(...blobs: readonly Sample[]): Promise<ContentStore> {
  const store = new ContentStore(make());
  for (const blob of blobs) await store.ingest(blob, sourceOf(blob.bytes).source);
  return store;
}

describe("an image", () => {
  test("is read from its manifest", async () => {
    const { manifest, config, layers, blobs } = image(["lower", "upper"]);
    const found = await readImage(await storeOf(...blobs), refer(manifest), AMD64);
    assert.equal(found.manifest.digest, manifest.digest);
    assert.equal(found.configDescriptor.digest, config.digest);
    assert.deepEqual(found.config.config?.Cmd, ["sh"]);
    assert.deepEqual(
      found.layers.map(({ digest }) => digest),
      layers.map(({ digest }) => digest),
    );
    assert.deepEqual(
      found.diffIds,
      layers.map(({ digest }) => digest),
    );
  });

  test("is read from its manifest in docker's terms", async () => {
    const { layers } = image(["layer"]);
    const config = json({ rootfs: { type: "layers", diff_ids: [layers[0]?.digest] } }, CONFIG_TYPES[1]);
    const document = { schemaVersion: 2, config: refer(config), layers: layers.map((one) => refer(one)) };
    const manifest = json(document, MANIFEST_TYPES[1]);
    const found = await readImage(await storeOf(manifest, config), refer(manifest), AMD64);
    assert.equal(found.layers.length, 1);
  });

  test("is the one for a platform in an index, also in one that is in another", async () => {
    const [amd, arm] = [image(["x"], AMD64), image(["x"], ARM64)];
    const inner = index([refer(amd.manifest, { platform: AMD64 }), refer(arm.manifest, { platform: ARM64 })]);
    const outer = index([refer(inner)]);
    const store = await storeOf(outer, inner, ...amd.blobs, ...arm.blobs);
    for (const target of [inner, outer]) {
      assert.equal((await readImage(store, refer(target), ARM64)).manifest.digest, arm.manifest.digest);
      assert.equal((await readImage(store, refer(target), AMD64)).config.architecture, "amd64");
    }
  });

  test("tells which blob is missing", async () => {
    const { manifest, config } = image(["x"]);
    await assert.rejects(
      readImage(await storeOf(manifest), refer(manifest), AMD64),
      status(StatusCode.notFound, new RegExp(`^blob ${config.digest} is not there$`)),
    );
  });

  test("is refused where it has more layers than its configuration knows", async () => {
    const { config, layers } = image(["x"]);
    const twice = [...layers, ...layers].map((one) => refer(one));
    const manifest = json({ schemaVersion: 2, config: refer(config), layers: twice }, MANIFEST_TYPES[0]);
    await assert.rejects(
      readImage(await storeOf(manifest, config), refer(manifest), AMD64),
      status(StatusCode.invalidArgument, /it has 2 layers, but its configuration names 1$/),
    );
  });

  test("is refused where indexes lie in each other without end", async () => {
    let target = index([]);
    const blobs: Sample[] = [];
    for (let depth = 0; depth < 10; depth += 1) {
      target = index([refer(target)]);
      blobs.push(target);
    }
    await assert.rejects(
      readImage(await storeOf(...blobs), refer(target), AMD64),
      status(StatusCode.invalidArgument, /its indexes lie too deep in each other$/),
    );
  });
});

describe("the platform of an image", () => {
  const { manifest } = image([]);
  const platform = (text: string): Platform => {
    const [os = "", architecture = "", variant] = text.split("/");
    return { os, architecture, ...(variant !== undefined && { variant }) };
  };
  const listOf = (names: readonly string[]) =>
    names.map((name, place) => refer(manifest, { ...(name && { platform: platform(name) }), size: place }));

  function choose(names: readonly string[], wanted: string): number {
    return selectManifest(listOf(names), platform(wanted), "index x").size;
  }

  const chosen: [names: string[], wanted: string, place: number][] = [
    [["linux/arm64", "linux/amd64"], "linux/amd64", 1],
    [["windows/amd64", "linux/amd64", "linux/amd64"], "linux/amd64", 1],
    [["linux/arm64"], "linux/arm64/v8", 0],
    [["linux/amd64/v3", "linux/amd64/v1"], "linux/amd64", 1],
    [["linux/arm64/v8"], "linux/arm64", 0],
    [["linux/arm/v5", "linux/arm/v6", "linux/arm/v7"], "linux/arm", 2],
    [["linux/arm/v5", "linux/arm/v6", "linux/arm/v7"], "linux/arm/v6", 1],
    [[""], "linux/amd64", 0],
  ];
  for (const [names, wanted, place] of chosen) {
    test(`is ${wanted}: number ${place} of ${names.map((name) => name || "one without").join(", ")}`, () => {
      assert.equal(choose(names, wanted), place);
    });
  }

  const refused: [names: string[], wanted: string, problem: RegExp][] = [
    [
      ["linux/amd64", "linux/arm/v7"],
      "linux/s390x",
      /^index x has no image for linux\/s390x: there is linux\/amd64, linux\/arm\/v7$/,
    ],
    [["linux/amd64", "unknown/unknown"], "linux/arm64", /: there is linux\/amd64$/],
    [["unknown/unknown"], "linux/arm64", /: there is none at all$/],
    [[], "linux/arm64", /: there is none at all$/],
    [["linux/arm/v7"], "linux/arm/v6", /: there is linux\/arm\/v7$/],
    [["", ""], "linux/amd64", /: there is one of unknown platform$/],
  ];
  for (const [names, wanted, problem] of refused) {
    test(`is not ${wanted} in ${JSON.stringify(names)}, which is told`, () => {
      assert.throws(() => choose(names, wanted), status(StatusCode.notFound, problem));
    });
  }

  test("is told in a line, however many there are", () => {
    const names = Array.from({ length: 1_000 }, (_, place) => `linux/made${place}`);
    const problem = /: there is linux\/made0, .*linux\/made29 and 970 more$/;
    assert.throws(() => choose(names, "linux/amd64"), status(StatusCode.notFound, problem));
  });

  test("of this host is in Go's terms", () => {
    const expected: Readonly<Record<string, string>> = { x64: "linux/amd64", arm64: "linux/arm64" };
    assert.equal(platformName(hostPlatform()), expected[process.arch] ?? `linux/${process.arch}`);
  });
});

describe("a document", () => {
  const { manifest, config, layers } = image(["x"]);
  const good = { schemaVersion: 2, config: refer(config), layers: layers.map((one) => refer(one)) };
  const bytes = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));

  const manifests: [what: string, value: unknown, code: StatusCode, problem: RegExp][] = [
    ["empty", "", StatusCode.invalidArgument, /^m: the document is empty$/],
    ["not JSON", "<html>", StatusCode.invalidArgument, /^m: the document is not JSON$/],
    ["no object", [1], StatusCode.invalidArgument, /^m: the document must be an object$/],
    ["without layers", { ...good, layers: null }, StatusCode.invalidArgument, /must have layers$/],
    [
      "of docker's old form",
      { schemaVersion: 1, fsLayers: [] },
      StatusCode.unimplemented,
      /docker's old form \(schema 1\)/,
    ],
    [
      "of docker's old form, by its type",
      { ...good, mediaType: "application/vnd.docker.distribution.manifest.v1+prettyjws" },
      StatusCode.unimplemented,
      /docker's old form/,
    ],
    [
      "an index",
      { ...good, mediaType: INDEX_TYPES[0] },
      StatusCode.invalidArgument,
      /was called manifest, and says/,
    ],
    [
      "a chart",
      { ...good, config: { ...refer(config), mediaType: "application/vnd.cncf.helm.config.v1+json" } },
      StatusCode.unimplemented,
      /is not an image to run, but "application\/vnd.cncf.helm/,
    ],
    [
      "of a bad digest",
      { ...good, layers: [{ ...refer(manifest), digest: "sha256:../x" }] },
      StatusCode.invalidArgument,
      /\/layers\/0\/digest must match/,
    ],
    [
      "of a bad size",
      { ...good, layers: [{ ...refer(manifest), size: -1 }] },
      StatusCode.invalidArgument,
      /\/layers\/0\/size must be at least 0/,
    ],
    [
      "of more layers than the kernel stacks",
      { ...good, layers: Array(501).fill(refer(manifest)) },
      StatusCode.unimplemented,
      /^m has 501 layers, more than the 500 that an overlay can have$/,
    ],
  ];
  for (const [what, value, code, problem] of manifests) {
    test(`that is ${what} is no manifest`, () => {
      assert.throws(() => parseManifest(bytes(value), "m"), status(code, problem));
    });
  }

  test("keeps of a descriptor only what is known of it", () => {
    const written = {
      ...refer(manifest),
      platform: { ...AMD64, "os.features": ["x"], variant: null },
      urls: ["http://x"],
    };
    const found: Descriptor[] = parseIndex(bytes({ schemaVersion: 2, manifests: [written] }), "i");
    assert.deepEqual(found, [refer(manifest, { platform: AMD64 })]);
  });

  test("of a configuration may have nulls where Go writes them", () => {
    const document = {
      config: { Cmd: null, Env: ["A=1"], Labels: null },
      rootfs: { type: "layers", diff_ids: [] },
    };
    assert.deepEqual(parseConfig(bytes(document), "c").config.config, { Env: ["A=1"] });
  });

  test("of a configuration must name its layers", () => {
    assert.throws(() => parseConfig(bytes({}), "c"), status(StatusCode.invalidArgument, /must have rootfs$/));
  });

  test("that is too large is not read into memory", async () => {
    const huge = sample(Buffer.alloc((4 << 20) + 1, " "), MANIFEST_TYPES[0]);
    await assert.rejects(
      readImage(await storeOf(huge), refer(huge), AMD64),
      status(StatusCode.resourceExhausted, /is larger than 4194304 bytes$/),
    );
  });

  test("of another kind is not tried", async () => {
    const other = json({}, "text/plain");
    await assert.rejects(
      readImage(await storeOf(other), refer(other), AMD64),
      status(StatusCode.unimplemented, /is neither an image nor a list of images, but "text\/plain"$/),
    );
  });
});

test("a chain id is the digest of a layer with all below it", () => {
  const [a, b, c] = [digestOf("a"), digestOf("b"), digestOf("c")];
  const second = digestOf(`${a} ${b}`);
  assert.deepEqual(chainIdsOf([a, b, c]), [a, second, digestOf(`${second} ${c}`)]);
  assert.deepEqual(chainIdsOf([]), []);
});

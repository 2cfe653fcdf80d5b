import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { must } from "../../../lab/command.ts";
import { writeImage, writeImageLayout } from "../../../lab/image.ts";
import type { ImageSummary } from "../../../src/client/images/list-images.ts";
import { countFiles } from "../image-place.ts";
import { noContainers, scratchDir } from "../support.ts";
import { type EbbOptions, ebb } from "./built-ebb.ts";

const skip = noContainers;
const dir = scratchDir();
const rootfs = path.join(dir, "rootfs");
const archive = path.join(dir, "app.tar");
const layout = path.join(dir, "layout");
const NAME = "ebb.local/team/app:v1";
const NOTHING = { "blobs/sha256": 0, "layers/sha256": 0, "layers/tmp": 0, images: 0 };
const ALL = { "blobs/sha256": 3, "layers/sha256": 1, "layers/tmp": 0, images: 1 };

/** A directory of images of its own, and `ebb` with it. */
function place(name: string, options: EbbOptions = {}) {
  const images = path.join(dir, name);
  const call = (...args: string[]) => ebb(args, { ...options, env: { EBB_IMAGES_DIR: images } });
  const list = async () => JSON.parse((await call("images", "--json")).stdout) as ImageSummary[];
  return { images, call, list };
}

/** What the archive's only layer is called in there. */
const layerIn = () => {
  const blobs = path.join(layout, "blobs/sha256");
  const sizes = fs
    .readdirSync(blobs)
    .map((name) => ({ name, size: fs.statSync(path.join(blobs, name)).size }));
  return sizes.sort((a, b) => b.size - a.size)[0]?.name ?? "";
};

describe("ebb load", { skip }, () => {
  before(async () => {
    fs.mkdirSync(rootfs);
    fs.writeFileSync(path.join(rootfs, "file"), "x".repeat(100_000));
    await writeImage(rootfs, NAME, archive);
    await writeImageLayout(rootfs, { name: NAME }, layout);
  });

  for (const [title, file] of [
    ["an archive", archive],
    ["a directory", layout],
  ] as const) {
    test(`takes the image of ${title} in, unpacked, and prints its name`, async () => {
      const { images, call, list } = place(`load-${path.basename(file)}`);
      const { exitCode, stdout, stderr } = await call("load", file);
      assert.deepEqual([exitCode, stderr.split(": ").at(-1)], [0, "done\n"], stderr);
      const [image] = await list();
      assert.deepEqual([stdout, image?.reference], [`${NAME}@${image?.digest}\n`, NAME]);
      assert.deepEqual(countFiles(images), ALL);
    });
  }

  test("takes what is packed by gzip, and calls it as it is told", async () => {
    await must("sh", ["-c", 'gzip -c "$1" > "$1.gz"', "sh", archive]);
    const { call, list } = place("named");
    const { stdout, stderr } = await call("load", "-q", "--name", "other", `${archive}.gz`);
    assert.match(stdout, /^docker\.io\/library\/other:latest@sha256:/, stderr);
    assert.deepEqual(
      (await list()).map(({ reference }) => reference),
      ["docker.io/library/other:latest"],
    );
  });

  test("prints events and images as JSON", async () => {
    const { stdout } = await place("json").call("load", "--json", archive);
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      [events[0].kind, events.at(-1).kind, events.at(-1).reference],
      ["layers", "image", NAME],
    );
  });

  test("finds a path from where it is called", async () => {
    const { call } = place("relative", { cwd: dir });
    assert.equal((await call("load", "-q", "app.tar")).exitCode, 0);
  });

  const broken: [title: string, make: (file: string) => void, expected: RegExp][] = [
    ["is not there", () => {}, /^ebb: \/.* does not exist$/m],
    ["is no archive", (file) => fs.writeFileSync(file, "words, and no tar".repeat(1000)), /./],
    ["is empty", (file) => fs.writeFileSync(file, ""), /./],
    ["is cut off", (file) => fs.writeFileSync(file, fs.readFileSync(archive).subarray(0, 60_000)), /./],
    ["holds no image", (file) => fs.mkdirSync(file), /neither an OCI image layout/],
    [
      "has a layer that was changed",
      (file) => {
        fs.cpSync(layout, file, { recursive: true });
        const layer = path.join(file, "blobs/sha256", layerIn());
        const bytes = fs.readFileSync(layer);
        bytes.writeUInt8(1, 5_000);
        fs.writeFileSync(layer, bytes);
      },
      /sha256:[0-9a-f]{64}|blobs\/sha256/,
    ],
    [
      "lacks a layer",
      (file) => {
        fs.cpSync(layout, file, { recursive: true });
        fs.rmSync(path.join(file, "blobs/sha256", layerIn()));
      },
      /sha256:[0-9a-f]{64}|blobs\/sha256/,
    ],
  ];
  for (const [title, make, expected] of broken) {
    test(`tells of what ${title} in one line, and leaves nothing`, async () => {
      const file = path.join(dir, title.replaceAll(" ", "-"));
      make(file);
      const { images, call } = place(`images-${title.replaceAll(" ", "-")}`);
      const { exitCode, stdout, stderr } = await call("load", "-q", file);
      assert.deepEqual([exitCode, stdout], [1, ""], stderr);
      assert.match(stderr, /^ebb: [^\n]+\n$/);
      assert.ok(stderr.includes(file), stderr);
      assert.match(stderr, expected);
      assert.deepEqual(countFiles(images), NOTHING);
    });
  }

  test("tells of a full disk in one line, and leaves nothing", async () => {
    const images = path.join(dir, "full");
    fs.mkdirSync(images);
    const { exitCode, stdout, stderr } = await ebb(["load", "-q", archive], {
      env: { EBB_IMAGES_DIR: images },
      host: `mount -t tmpfs -o size=64k tmpfs ${images}`,
      by: [
        "sh",
        "-c",
        'status=0; "$@" || status=$?; find "$EBB_IMAGES_DIR" -path "*sha256/*"; exit $status',
        "sh",
      ],
    });
    assert.deepEqual([exitCode, stdout], [1, ""], stderr);
    assert.match(stderr, /^ebb: [^\n]*ENOSPC[^\n]*\n$/);
  });

  test("refuses a name that is none, before it reads anything", async () => {
    const { images, call } = place("bad-name");
    const { exitCode, stderr } = await call("load", "--name", "A:B:C", archive);
    assert.equal(exitCode, 1);
    assert.match(stderr, /^ebb: image reference "A:B:C"[^\n]*\n$/);
    assert.deepEqual(countFiles(images), NOTHING);
  });
});

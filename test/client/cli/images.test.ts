import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import type { ImageSummary } from "../../../src/client/images/list-images.ts";
import { ensureImage, holdImage } from "../../../src/client/images.ts";
import { countFiles, placeContainer, placeImage } from "../image-place.ts";
import { noContainers, scratchDir } from "../support.ts";
import { ebb, ebbPath } from "./built-ebb.ts";

const skip = noContainers;
const dir = scratchDir();
const [ONE, TWO] = ["docker.io/library/one:latest", "localhost:5000/team/two:v2"];

/** A directory of images of its own, and `ebb` with it. */
function place(name: string) {
  const images = path.join(dir, name);
  process.env.EBB_IMAGES_DIR = images;
  const call = (...args: string[]) => ebb(args, { env: { EBB_IMAGES_DIR: images } });
  const list = async () => JSON.parse((await call("images", "--json")).stdout) as ImageSummary[];
  return { images, call, list };
}

describe("ebb images", () => {
  test("lists none where there is none, and makes nothing", async () => {
    const { images, call } = place("none");
    for (const [args, stdout] of [
      [[], "IMAGE  ID  SIZE  AGE\n"],
      [["-q"], ""],
      [["--json"], "[]\n"],
    ] as const) {
      assert.deepEqual(
        { ...(await call("images", ...args)), ms: 0 },
        { exitCode: 0, stdout, stderr: "", ms: 0 },
      );
    }
    assert.equal(fs.existsSync(images), false);
  });

  test("lists them by their names, with id, size and age", async () => {
    const { images, call } = place("two");
    const { digest, size } = await placeImage(images, TWO, "two");
    await placeImage(images, ONE, "one");
    const { stdout } = await call("images");
    const id = digest.slice(7, 19);
    assert.match(
      stdout,
      new RegExp(`^IMAGE +ID +SIZE +AGE\\n${ONE} +[0-9a-f]{12} .*\\n${TWO} +${id} +\\d+ B +\\d+ s\\n$`),
    );
    assert.ok(size > 0);
  });

  test("prints ids, each once", async () => {
    const { images, call } = place("ids");
    const { digest } = await placeImage(images, ONE, "same");
    await placeImage(images, TWO, "same");
    assert.equal((await call("images", "-q")).stdout, `${digest.slice(7, 19)}\n`);
  });

  test("has all that is known in JSON, and who uses an image", async () => {
    const { images, list } = place("json");
    const { digest } = await placeImage(images, ONE, "one");
    placeContainer(images, "web", { image: ONE, lowerDirs: [] });
    placeContainer(images, "dir", { lowerDirs: ["/srv/rootfs"] });
    const [image, ...more] = await list();
    assert.deepEqual([image?.reference, image?.digest, image?.usedBy, more], [ONE, digest, ["web"], []]);
    assert.ok((image?.size ?? 0) > 0);
    assert.ok(Date.parse(image?.createdAt ?? "") <= Date.now());
  });

  test("lists what a damaged record of a container may use, too", async () => {
    const { images, list } = place("damaged");
    await placeImage(images, ONE, "one");
    fs.writeFileSync(placeContainer(images, "web", { lowerDirs: [] }), "{");
    assert.deepEqual(
      (await list()).map(({ usedBy }) => usedBy),
      [null],
    );
  });

  test("tells of a directory that cannot be one", { skip }, async () => {
    const { exitCode, stderr } = await ebb(["images"], { env: { EBB_IMAGES_DIR: "images" } });
    assert.deepEqual([exitCode, stderr], [1, 'ebb: EBB_IMAGES_DIR must be an absolute path, not "images"\n']);
  });
});

describe("ebb rmi", () => {
  test("removes an image by its name in any form, with all that it alone needs", { skip }, async () => {
    const { images, call, list } = place("rmi");
    await placeImage(images, ONE, "one");
    await placeImage(images, TWO, "two");
    await ensureImage(TWO, { pull: "never" });
    await ensureImage(ONE, { pull: "never" });
    const { exitCode, stdout, stderr } = await call("rmi", "one");
    assert.deepEqual([exitCode, stdout, stderr], [0, `${ONE}\n`, ""]);
    assert.deepEqual(
      (await list()).map(({ reference }) => reference),
      [TWO],
    );
    assert.deepEqual(countFiles(images), {
      "blobs/sha256": 3,
      "layers/sha256": 1,
      "layers/tmp": 0,
      images: 1,
    });
    assert.equal((await call("rmi", TWO)).exitCode, 0);
    assert.deepEqual(countFiles(images), {
      "blobs/sha256": 0,
      "layers/sha256": 0,
      "layers/tmp": 0,
      images: 0,
    });
  });

  test("removes what an unpack has left that was killed", { skip }, async () => {
    const { images, call } = place("killed");
    await placeImage(images, ONE, "one");
    fs.mkdirSync(path.join(images, "layers/tmp", `${"a".repeat(64)}.4194305.1.1`, "fs"), { recursive: true });
    assert.equal((await call("rmi", ONE)).exitCode, 0);
    assert.equal(countFiles(images)["layers/tmp"], 0);
  });

  test("keeps what another image needs, too", { skip }, async () => {
    const { images, call } = place("shared");
    await placeImage(images, ONE, "same");
    await placeImage(images, TWO, "same");
    await ensureImage(ONE, { pull: "never" });
    await call("rmi", ONE);
    assert.deepEqual(countFiles(images), {
      "blobs/sha256": 3,
      "layers/sha256": 1,
      "layers/tmp": 0,
      images: 1,
    });
  });

  test("removes every name of an image by the beginning of its id", { skip }, async () => {
    const { images, call } = place("by-id");
    const { digest } = await placeImage(images, ONE, "same");
    await placeImage(images, TWO, "same");
    const short = digest.slice(7, 10);
    const other = `${digest.slice(7, 18)}${digest[18] === "0" ? 1 : 0}`;
    for (const [id, more] of [
      [short, "; the beginning of an id has 4 digits or more"],
      [other, ""],
    ] as const) {
      assert.equal((await call("rmi", id)).stderr, `ebb: image ${id} is not here${more}\n`);
    }
    const { stdout } = await call("rmi", "--json", digest.slice(7, 19));
    assert.deepEqual(JSON.parse(stdout), [
      { reference: ONE, digest },
      { reference: TWO, digest },
    ]);
  });

  test("refuses one that containers are made of, naming them, unless by force, which leaves them their layers", {
    skip,
  }, async () => {
    const { images, call, list } = place("used");
    await placeImage(images, ONE, "one");
    const { lowerDirs } = await ensureImage("one", { pull: "never" });
    placeContainer(images, "web", { image: ONE, lowerDirs });
    placeContainer(images, "db", { image: ONE, lowerDirs });
    const { exitCode, stdout, stderr } = await call("rmi", "one");
    const reason = `ebb: image ${ONE} is in use: containers db, web are made of it\n`;
    assert.deepEqual([exitCode, stdout, stderr], [1, "", reason]);
    assert.equal((await list()).length, 1);
    assert.equal((await call("rmi", "-f", "one")).exitCode, 0);
    assert.deepEqual(countFiles(images), {
      "blobs/sha256": 0,
      "layers/sha256": 1,
      "layers/tmp": 0,
      images: 0,
    });
    assert.equal(fs.readFileSync(path.join(lowerDirs[0] ?? "", "file"), "utf8"), "one");
  });

  test("removes nothing that a container may need whose record cannot be read", { skip }, async () => {
    const { images, call } = place("unreadable");
    await placeImage(images, ONE, "one");
    await ensureImage("one", { pull: "never" });
    fs.writeFileSync(placeContainer(images, "web", { lowerDirs: [] }), "{");
    const before = countFiles(images);
    const { exitCode, stderr } = await call("rmi", "one");
    assert.equal(exitCode, 1);
    assert.match(stderr, /^ebb: .*containers\/web\/container\.json: .*not JSON\n$/);
    assert.deepEqual(countFiles(images), before);
  });

  test("removes those that it can, and tells of the others", { skip }, async () => {
    const { images, call } = place("several");
    await placeImage(images, ONE, "one");
    const { exitCode, stdout, stderr } = await call("rmi", "nobody", "one", "A:b:c");
    assert.deepEqual([exitCode, stdout], [1, `${ONE}\n`]);
    assert.match(stderr, /^ebb: image nobody is not here\nebb: image reference "A:b:c"[^\n]*\n$/);
  });

  test("waits for those who need the files no longer than until it is interrupted", { skip }, async () => {
    const { images } = place("interrupted");
    await placeImage(images, ONE, "one");
    const config = path.join(dir, "patient.json");
    fs.writeFileSync(config, '{"version": 2, "images": {"limits": {"lockMs": 20000}}}');
    const { release } = await holdImage(ONE, { pull: "never" });
    const env = { ...process.env, EBB_IMAGES_DIR: images, EBB_CONFIG: config };
    const child = spawn(process.execPath, [ebbPath, "rmi", "one"], { env });
    const said = text(child.stderr);
    const ended = new Promise((resolve) => child.once("exit", resolve));
    await until("its name to be gone", () => countFiles(images).images === 0 || undefined);
    child.kill("SIGINT");
    assert.deepEqual([await ended, await said], [130, "ebb: interrupted\n"]);
    release();
  });

  test("leaves the files for now while somebody needs any of them", { skip }, async () => {
    const { images, call } = place("held");
    await placeImage(images, ONE, "one");
    const config = path.join(dir, "impatient.json");
    fs.writeFileSync(config, '{"version": 2, "images": {"limits": {"lockMs": 50}}}');
    const { release } = await holdImage(ONE, { pull: "never" });
    const { exitCode, stdout, stderr } = await ebb(["rmi", "one"], {
      env: { EBB_IMAGES_DIR: images, EBB_CONFIG: config },
    });
    assert.deepEqual([exitCode, stdout], [0, `${ONE}\n`]);
    assert.match(stderr, /^ebb: the files stay until the next ebb rmi: [^\n]*\n$/);
    assert.equal(countFiles(images)["layers/sha256"], 1);
    release();
    await placeImage(images, TWO, "two");
    await call("rmi", TWO);
    assert.equal(countFiles(images)["layers/sha256"], 0);
  });
});

import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { writeImageLayout } from "../../../lab/image.ts";
import { until } from "../../../lab/until.ts";
import { onceThereIsWork } from "../../../src/client/cli/run-image.ts";
import type { ImageEvent } from "../../../src/client/images.ts";
import { noContainers } from "../support.ts";
import { makeEbbPlace } from "./ebb.ts";

const skip = noContainers;
const place = makeEbbPlace("ebb-image-test");

/** What the image says about its containers. */
const SETTINGS = {
  Env: ["PATH=/bin", "WHO=image", "MORE=kept"],
  WorkingDir: "/var",
  User: "nobody",
  StopSignal: "SIGUSR1",
};

/** Takes in an image of the busybox root file system. */
async function load(name: string, config: Readonly<Record<string, unknown>>): Promise<void> {
  const layout = path.join(path.dirname(place.stateDir), name);
  await writeImageLayout(place.rootfs, { name: `${name}:v1`, gzip: true, config }, layout);
  const { status, stderr } = await place.run(["load", "-q", layout]);
  assert.equal(status, 0, stderr);
}

describe("ebb run of an image", () => {
  before(async () => {
    if (skip !== false) return;
    await load("plain", { ...SETTINGS, Cmd: ["sh", "-c", 'echo "$WHO $MORE $PWD $(id -un)"'] });
    await load("entry", { Entrypoint: ["echo", "entry"], Cmd: ["cmd"] });
  });

  test("runs what the image says, as it says, and without a word of its own", { skip }, async () => {
    const run = await place.run(["run", "--rm", "plain:v1"]);
    assert.deepEqual(run, { status: 0, stdout: "image kept /var nobody\n", stderr: "" });
  });

  test("runs what the flags say instead", { skip }, async () => {
    const flags = ["-e", "WHO=flag", "-w", "/tmp", "-u", "root"];
    const script = 'echo "$WHO $MORE $PWD $(id -un)"';
    const { stdout } = await place.run(["run", "--rm", ...flags, "plain:v1", "sh", "-c", script]);
    assert.equal(stdout, "flag kept /tmp root\n");
  });

  test("hands the words behind the image to its entry point", { skip }, async () => {
    assert.equal((await place.run(["run", "--rm", "entry:v1"])).stdout, "entry cmd\n");
    assert.equal((await place.run(["run", "--rm", "entry:v1", "-n", "other"])).stdout, "entry -n other\n");
  });

  test("stops by the signal that the image names", { skip }, async () => {
    const script = "trap 'exit 5' USR1; echo ready; while :; do usleep 10000; done";
    await place.run(["run", "-d", "--name", "stops", "plain:v1", "sh", "-c", script]);
    await until("ready", async () =>
      (await place.run(["logs", "stops"])).stdout === "ready\n" ? true : undefined,
    );
    await place.run(["stop", "stops"]);
    assert.equal((await place.run(["wait", "stops"])).stdout, "5\n");
    assert.match((await place.run(["ps", "-a"])).stdout, /stops +docker.io\/library\/plain:v1 /);
    await place.run(["rm", "stops"]);
  });

  test("keeps what a container writes from the image and from other containers", { skip }, async () => {
    const args = ["run", "--rm", "-u", "root", "plain:v1", "sh", "-c"];
    assert.equal((await place.run([...args, "echo hi > /made && cat /made"])).stdout, "hi\n");
    assert.equal((await place.run([...args, "ls /made"])).status, 1);
    const layers = path.join(place.imagesDir, "layers/sha256");
    for (const layer of readdirSync(layers))
      assert.equal(existsSync(path.join(layers, layer, "fs/made")), false);
  });

  test("keeps an image from being removed as long as a container is made of it", { skip }, async () => {
    await place.run(["run", "--name", "uses", "entry:v1"]);
    const refused = await place.run(["rmi", "entry:v1"]);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /^ebb: .*uses/);
    await place.run(["rm", "uses"]);
    assert.equal((await place.run(["rmi", "entry:v1"])).status, 0);
  });

  const wrong: [title: string, args: string[], message: RegExp][] = [
    ["one that is not here, and is not to be fetched", ["--pull", "never", "nothere:v1"], /^ebb: .*nothere/],
    ["what is no name of an image", ["UPPER:v1"], /^ebb: .*UPPER/],
    ["one whose registry does not answer", ["localhost:1/app:v1"], /^ebb: .*localhost:1/],
  ];
  for (const [title, args, message] of wrong) {
    test(`fails with 125, in one line, for ${title}`, { skip }, async () => {
      const config = path.join(path.dirname(place.stateDir), "config.json");
      writeFileSync(config, JSON.stringify({ version: 2, images: { limits: { retries: 0 } } }));
      const { status, stdout, stderr } = await place.run(["run", "--rm", ...args], "", {
        EBB_CONFIG: config,
      });
      assert.deepEqual([status, stdout], [125, ""]);
      assert.match(stderr, message);
      assert.equal(stderr.trim().split("\n").length, 1, stderr);
    });
  }

  test("leaves nothing but the images", { skip }, async () => {
    assert.deepEqual(await place.leftovers([]), []);
    await until("what it has written to be gone", () =>
      readdirSync(path.join(place.imagesDir, "containers")).length === 0 ? true : undefined,
    );
  });
});

describe("the progress of an image for a container", () => {
  const layers: ImageEvent = {
    kind: "layers",
    reference: "x",
    digest: "i",
    layers: [{ digest: "d", size: 1 }],
  };
  const layer = (phase: "waiting" | "fetching" | "done"): ImageEvent => ({
    kind: "layer",
    digest: "d",
    phase,
    bytes: 0,
  });

  test("is shown from its beginning where there is something to wait for", () => {
    const seen: ImageEvent[] = [];
    const show = onceThereIsWork((event) => seen.push(event));
    for (const event of [layers, layer("waiting")]) show(event);
    assert.deepEqual(seen, []);
    for (const event of [layer("fetching"), layer("done")]) show(event);
    assert.deepEqual(seen, [layers, layer("waiting"), layer("fetching"), layer("done")]);
  });

  test("is not shown where all of it is there", () => {
    const seen: ImageEvent[] = [];
    const show = onceThereIsWork((event) => seen.push(event));
    for (const event of [layers, layer("waiting"), layer("done")]) show(event);
    assert.deepEqual(seen, []);
  });
});

import assert from "node:assert/strict";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { afterEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { until } from "../../../lab/until.ts";
import { StatusCode, StatusError } from "../../../src/base/status.ts";
import { chainIdsOf } from "../../../src/images/chain-ids.ts";
import { ContentStore } from "../../../src/images/content-store.ts";
import { LayerStore } from "../../../src/images/unpack/layer-store.ts";
import type { UnpackProgress } from "../../../src/images/unpack/progress.ts";
import { unpack } from "../../../src/images/unpack/unpack.ts";
import { archive, chunks, directory, file, symlink } from "./archive.ts";
import { imageOf, optionsFor, type TestImage } from "./image.ts";
import { list, notRoot, scratch, withEnvironment, xattrsOf } from "./scratch.ts";

const place = scratch();
const skip = notRoot;
const main = fileURLToPath(
  new URL(`unpack-main${path.extname(fileURLToPath(import.meta.url))}`, import.meta.url),
);

const CAPABILITY = "\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/** Three layers, of which the upper ones hide parts of those below. */
function threeLayers(): TestImage {
  return imageOf(
    archive(directory("d"), file("d/old"), file("gone", "x"), directory("etc"), file("etc/a", "1")),
    archive(file(".wh.gone"), file("d/.wh..wh..opq"), file("d/new"), file("etc/b", "2")),
    archive(
      file("etc/a", "3"),
      file("ping", "", { mode: 0o755, pax: { "SCHILY.xattr.security.capability": CAPABILITY } }),
    ),
  );
}

/** What is on its way in a layers directory. */
const onItsWay = (dir: string) => fs.readdirSync(path.join(dir, "tmp"));
const there = (dir: string) => new LayerStore(dir).list();

/** What a mounted overlay of these directories shows to a shell script, in a mount namespace of its own. */
function inOverlay(lowerDirs: readonly string[], script: string): string {
  const point = place.make();
  const mount = `mount -t overlay -o ro,lowerdir=${lowerDirs.join(":")} overlay ${point} && cd ${point} && `;
  const { stdout, stderr } = spawnSync("unshare", ["-m", "sh", "-c", mount + script], { encoding: "utf8" });
  assert.equal(stderr, "");
  return stdout;
}

/** Runs the process that unpacks; `around` is a shell's line before it, in a mount namespace of its own. */
async function inProcess(dir: string, how: { kilobytes?: number; around?: string; fault?: string } = {}) {
  const { kilobytes = 1, around = "true", fault = "" } = how;
  const args = [
    "-m",
    "sh",
    "-c",
    `${around} && exec "$@"`,
    "sh",
    process.execPath,
    main,
    dir,
    String(kilobytes),
  ];
  const env = { ...process.env, EBB_FAULT_POINT: fault };
  const { stdout } = await promisify(execFile)("unshare", args, { env }).catch((err) => err);
  return stdout === "" ? undefined : JSON.parse(stdout);
}

describe("unpacking an image", { skip }, () => {
  test("gives the directories that an overlay makes the image of", async () => {
    const dir = place.make();
    const image = threeLayers();
    const { lowerDirs } = await unpack(image.store, image, optionsFor(dir));
    const expected = chainIdsOf(image.diffIds).map((id) => path.join(dir, "sha256", id.slice(7), "fs"));
    assert.deepEqual(lowerDirs, expected.reverse());
    const script =
      "find . | sort; cat etc/a etc/b; tar -c --format=posix --xattrs ping | grep -ac security.capability";
    const shown = inOverlay(lowerDirs, script).split("\n");
    assert.deepEqual(shown, [".", "./d", "./d/new", "./etc", "./etc/a", "./etc/b", "./ping", "321", ""]);
    assert.deepEqual(await xattrsOf(path.join(lowerDirs[0] ?? "", "ping")), [
      `security.capability=${Buffer.from(CAPABILITY, "latin1").toString("hex")}`,
    ]);
    assert.deepEqual(onItsWay(dir), []);
  });

  test("leaves out what is below a layer that hides everything", async () => {
    const dir = place.make();
    const image = imageOf(archive(file("a")), archive(file(".wh..wh..opq"), file("b")), archive(file("c")));
    const options = optionsFor(dir);
    for (const { lowerDirs } of [
      await unpack(image.store, image, options),
      await unpack(image.store, image, options),
    ]) {
      assert.deepEqual(lowerDirs.map(list), [["c file"], ["b file"]]);
    }
  });

  test("reads only the layers that are not there yet", async () => {
    const dir = place.make();
    const [one, two] = [archive(file("a")), archive(file("b"))];
    const [base, image] = [imageOf(one), imageOf(one, two)];
    await unpack(base.store, base, optionsFor(dir));
    await unpack(image.store, image, optionsFor(dir));
    assert.deepEqual(image.opened, [image.layers[1]?.digest]);
    await unpack(image.store, image, optionsFor(dir));
    assert.equal(image.opened.length, 1);
  });

  test("takes the layers from the content store, and leaves none open", async () => {
    const [dir, directory] = [place.make(), place.make()];
    const image = threeLayers();
    const store = new ContentStore(directory);
    for (const layer of image.layers) {
      const bytes = image.blobs.get(layer.digest) ?? Buffer.alloc(0);
      await store.ingest(layer, (offset) => chunks(bytes.subarray(offset)));
    }
    const { lowerDirs } = await unpack(store, image, optionsFor(dir));
    assert.equal(lowerDirs.length, 3);
    const isOpen = () => openFiles().some((file) => file.startsWith(directory) || file.startsWith(dir));
    await until("all files to be closed", () => (isOpen() ? undefined : true));
  });

  test("is done once for 20 that want it at once", async () => {
    const dir = place.make();
    const image = threeLayers();
    const all = await Promise.all(
      Array.from({ length: 20 }, () => unpack(image.store, image, optionsFor(dir))),
    );
    assert.equal(image.opened.length, 3);
    assert.equal(new Set(all.map((one) => JSON.stringify(one))).size, 1);
  });

  test("is done once for 5 processes that want it at once", async () => {
    const dir = place.make();
    const all = await Promise.all(Array.from({ length: 5 }, () => inProcess(dir, { kilobytes: 4_096 })));
    assert.equal(
      all.reduce((sum, { opened }) => sum + opened, 0),
      1,
      JSON.stringify(all),
    );
    assert.equal(new Set(all.map(({ lowerDirs }) => JSON.stringify(lowerDirs))).size, 1);
  });

  test("tells how far each layer is, to its end", async () => {
    const dir = place.make();
    const image = threeLayers();
    const told: UnpackProgress[] = [];
    await unpack(image.store, image, optionsFor(dir, { onProgress: (one) => told.push(one) }));
    for (const { digest } of image.layers) {
      const ofLayer = told.filter(({ layer }) => layer === digest);
      assert.deepEqual(
        [...new Set(ofLayer.map(({ state }) => state))],
        ["waiting", "unpacking", "writing", "done"],
      );
      assert.ok(ofLayer.some(({ bytes }) => bytes > 1_024));
    }
  });

  test("is not led astray by variables that GNU tar listens to", async () => {
    const dir = place.make();
    const image = threeLayers();
    const variables = { TAR_OPTIONS: "--no-such-option", POSIXLY_CORRECT: "1" };
    await withEnvironment(variables, () => unpack(image.store, image, optionsFor(dir)));
    assert.equal((await there(dir)).length, 3);
  });
});

describe("the file system of the layers", { skip }, () => {
  /** A program `sync` that notes down what it is called with. */
  async function syncsOf(dir: string, syncAfterUnpack: boolean): Promise<string[]> {
    const [bin, image] = [place.make(), threeLayers()];
    const notes = path.join(bin, "notes");
    fs.writeFileSync(notes, "");
    fs.writeFileSync(
      path.join(bin, "sync"),
      `#!/bin/sh\necho "$@" $(ls ${dir}/sha256 2>&- | wc -l) >> ${notes}\n`,
      { mode: 0o755 },
    );
    const options = optionsFor(dir, { syncAfterUnpack, layersAtOnce: 3 });
    const PATH = `${bin}:${process.env.PATH}`;
    await withEnvironment({ PATH }, () => unpack(image.store, image, options));
    return fs
      .readFileSync(notes, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  }

  test("is synced for layers together, before they are in their place", async () => {
    const dir = place.make();
    const [first, ...more] = await syncsOf(dir, true);
    assert.equal(first, `-f -- ${dir} 0`);
    // A layer that has only begun when all others are done has a sync of its own.
    assert.ok(more.length <= 1, more.join());
  });

  test("is not synced where that is not wanted", async () => {
    assert.deepEqual(await syncsOf(place.make(), false), []);
  });
});

describe("a failure", { skip }, () => {
  afterEach(() => until("all processes to have ended", () => (children().length === 0 ? true : undefined)));

  test("of one layer names it, and leaves nothing of the image", async () => {
    const dir = place.make();
    const big = archive(file("big", Buffer.alloc(8 << 20, "x")));
    const image = imageOf(big, archive(symlink("l", "/"), file("l/x")));
    const descriptors = openDescriptors();
    await assert.rejects(
      unpack(image.store, image, optionsFor(dir)),
      new StatusError(
        StatusCode.invalidArgument,
        `layer ${image.layers[1]?.digest}: entry "l/x": lies below "l", which is no directory`,
      ),
    );
    assert.deepEqual(onItsWay(dir), []);
    assert.deepEqual(await there(dir), []);
    await until("all descriptors to be closed", () => (openDescriptors() <= descriptors ? true : undefined));
  });

  test("of one that counts for all layers is that of the image", async () => {
    const dir = place.make();
    const image = imageOf(...["a", "b", "c"].map((name) => archive(file(name, Buffer.alloc(1 << 20, name)))));
    await assert.rejects(
      unpack(image.store, image, optionsFor(dir, { maxBytes: 2 << 20 })),
      /^StatusError: layer sha256:\w+: entry "\w": the image unpacks to more than 2097152 bytes$/,
    );
    assert.deepEqual(onItsWay(dir), []);
  });

  test("of one image is none of another that wants the same layer", async () => {
    const dir = place.make();
    const good = imageOf(archive(file("a", Buffer.alloc(1 << 20, "a"))));
    const bad = { ...imageOf(archive(file("b", Buffer.alloc(8 << 20, "b")))), diffIds: good.diffIds };
    const failed = unpack(bad.store, bad, optionsFor(dir)).catch(({ message }) => message);
    await until("the first to be at work", () => bad.opened.length > 0 || undefined);
    const { lowerDirs } = await unpack(good.store, good, optionsFor(dir));
    assert.deepEqual(
      lowerDirs.map((one) => fs.readdirSync(one)),
      [["a"]],
    );
    assert.match(await failed, /its archive is sha256:\w+, and the image says/);
    assert.deepEqual(onItsWay(dir), []);
  });

  test("of a blob that is not what its name says has the blob removed, and no other failure has", async () => {
    const dir = place.make();
    const image = threeLayers();
    const [first = "", second = ""] = image.layers.map(({ digest }) => digest);
    image.blobs.set(first, (image.blobs.get(second) ?? Buffer.alloc(0)).subarray(0, -9));
    await assert.rejects(
      unpack(image.store, image, optionsFor(dir, { layersAtOnce: 1 })),
      new StatusError(
        StatusCode.dataLoss,
        `layer ${first}: its blob was damaged, and is removed: it has to be fetched again`,
      ),
    );
    assert.equal(image.blobs.size, 2);
    const other = threeLayers();
    const wrong = { ...other, diffIds: [...other.diffIds].reverse() };
    await assert.rejects(
      unpack(other.store, wrong, optionsFor(dir)),
      /its archive is sha256:\w+, and the image/,
    );
    assert.equal(other.blobs.size, 3);
  });

  test("of the disk to take more is one line, and leaves nothing", async () => {
    const [dir, out] = [place.make(), place.make()];
    const around = `mount -t tmpfs -o size=1m none ${dir} && mkdir ${dir}/tmp`;
    const after = `ls -A ${dir}/tmp > ${out}/left`;
    const wrapped = `${around} && { "$@"; ${after}; exit; }`;
    const { error } = await inProcess(dir, { kilobytes: 4_096, around: wrapped });
    assert.match(error, /^layer sha256:\w+: tar: .*: No space left on device$/);
    assert.equal(fs.readFileSync(path.join(out, "left"), "utf8"), "");
  });

  test("to find tar, a layer's blob or as many layers as the image tells of is told", async () => {
    const dir = place.make();
    const image = threeLayers();
    const run = (what: Partial<TestImage>) => unpack(image.store, { ...image, ...what }, optionsFor(dir));
    await assert.rejects(run({ diffIds: [] }), /the image has 3 layers, and its configuration tells of 0/);
    const missing = image.layers.map((layer) => ({ ...layer, digest: `sha256:${"0".repeat(64)}` as const }));
    await assert.rejects(run({ layers: missing }), /layer sha256:0+: no blob sha256:0+/);
    const bin = place.make();
    fs.symlinkSync("/bin/rm", path.join(bin, "rm"));
    await assert.rejects(
      withEnvironment({ PATH: bin }, () => run({})),
      /images are unpacked by GNU tar, which is not in PATH/,
    );
    assert.deepEqual(onItsWay(dir), []);
  });
});

describe("an unpack that nobody waits for any more", { skip }, () => {
  test("ends with the reason, and leaves nothing", async () => {
    const dir = place.make();
    const image = imageOf(archive(file("big", Buffer.alloc(32 << 20, "x"))));
    const controller = new AbortController();
    const reason = new StatusError(StatusCode.cancelled, "no longer wanted");
    const onProgress = ({ state }: UnpackProgress) => state === "unpacking" && controller.abort(reason);
    await assert.rejects(
      unpack(image.store, image, optionsFor(dir, { onProgress, signal: controller.signal })),
      reason,
    );
    await until("nothing to be left", () => (onItsWay(dir).length === 0 ? true : undefined));
    await until("tar to have ended", () => (children().length === 0 ? true : undefined));
    assert.deepEqual(await there(dir), []);
    await unpack(image.store, image, optionsFor(dir));
    assert.equal((await there(dir)).length, 1);
  });

  test("goes on for another that wants the same", async () => {
    const dir = place.make();
    const image = imageOf(archive(file("big", Buffer.alloc(16 << 20, "x"))));
    const controller = new AbortController();
    let other: Promise<unknown> | undefined;
    const onProgress = ({ bytes }: UnpackProgress) => {
      if (bytes > 0) other ??= unpack(image.store, image, optionsFor(dir));
      if (bytes > 8 << 20) controller.abort(new StatusError(StatusCode.cancelled, "enough"));
    };
    await assert.rejects(
      unpack(image.store, image, optionsFor(dir, { onProgress, signal: controller.signal })),
      /enough/,
    );
    await other;
    assert.equal((await there(dir)).length, 1);
  });

  test("and was killed is cleared away by the next one, whatever it has left", async () => {
    const dir = place.make();
    assert.equal(await inProcess(dir, { fault: "layer-unpacked" }), undefined);
    assert.equal(onItsWay(dir).length, 1);
    assert.deepEqual(await there(dir), []);
    const { lowerDirs, opened } = await inProcess(dir);
    assert.equal(opened, 1);
    assert.deepEqual(onItsWay(dir), []);
    assert.deepEqual(list(lowerDirs[0]).length, 2);
  });
});

describe("removing layers", { skip }, () => {
  test("keeps those of containers and of mounted overlays, and knows those that are not there", async () => {
    const dir = place.make();
    const image = threeLayers();
    const { lowerDirs } = await unpack(image.store, image, optionsFor(dir));
    const [one, two, three] = chainIdsOf(image.diffIds);
    assert.ok(one !== undefined && two !== undefined && three !== undefined);
    const layers = new LayerStore(dir);
    const none = () => false;
    const point = place.make();
    // Read-only, so that its end has nothing to write.
    const options = `ro,lowerdir=${lowerDirs.slice(1).join(":")}`;
    execFileSync("mount", ["-t", "overlay", "-o", options, "overlay", point]);
    try {
      assert.deepEqual(await layers.remove([one, two], none), { removed: [], kept: [one, two] });
    } finally {
      execFileSync("umount", [point]);
    }
    assert.deepEqual(await layers.remove([three, two], (id) => id === two), {
      removed: [three],
      kept: [two],
    });
    assert.deepEqual(await layers.remove([three], none), { removed: [], kept: [] });
    assert.deepEqual((await layers.list()).sort(), [one, two].sort());
    assert.equal(fs.existsSync(lowerDirs[0] ?? ""), false);
    assert.deepEqual(onItsWay(dir), []);
  });
});

/** The processes that this one has started and that have not ended. */
function children(): string[] {
  const ofThreads = fs
    .readdirSync("/proc/self/task")
    .map((task) => fs.readFileSync(`/proc/self/task/${task}/children`, "utf8"));
  return ofThreads
    .join("")
    .split(" ")
    .filter((pid) => pid !== "");
}

/** What the descriptors of this process are open on. */
function openFiles(): string[] {
  return fs.readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [fs.readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}

function openDescriptors(): number {
  return fs.readdirSync("/proc/self/fd").length;
}

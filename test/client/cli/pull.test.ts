import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { command } from "../../../lab/command.ts";
import { type LabRegistry, startRegistry, whyNoRegistry } from "../../../lab/registry.ts";
import { until } from "../../../lab/until.ts";
import type { ImageSummary } from "../../../src/client/images/list-images.ts";
import { countFiles } from "../image-place.ts";
import { noContainers, scratchDir } from "../support.ts";
import { type EbbOptions, ebb, ebbPath } from "./built-ebb.ts";
import { type FakeRegistry, type Faults, serveImage } from "./fake-registry.ts";

const skip = noContainers;
const dir = scratchDir();
const rootfs = path.join(dir, "rootfs");
fs.mkdirSync(rootfs);
fs.writeFileSync(path.join(rootfs, "file"), "x".repeat(100_000));

const NOTHING = { "blobs/sha256": 0, "layers/sha256": 0, "layers/tmp": 0, images: 0 };

/** Nobody is waited for long, and nothing is asked twice. */
const config = path.join(dir, "config.json");
const limits = { retries: 0, stallMs: 1_000 };
fs.writeFileSync(config, JSON.stringify({ version: 2, images: { limits } }));

/** A directory of images of its own, and `ebb` with it. */
function place(name: string, options: EbbOptions = {}) {
  const images = path.join(dir, name);
  const env = { EBB_IMAGES_DIR: images, EBB_CONFIG: config, DOCKER_CONFIG: dir, ...options.env };
  const call = (...args: string[]) => ebb(args, { ...options, env });
  const list = async () => JSON.parse((await call("images", "--json")).stdout) as ImageSummary[];
  return { images, env, call, list };
}

/** A registry with these faults for the time of some work. */
async function withRegistry(faults: Faults, work: (registry: FakeRegistry) => Promise<void>): Promise<void> {
  const registry = await serveImage(rootfs, faults);
  try {
    await work(registry);
  } finally {
    await registry.close();
  }
}

describe("ebb pull from a registry", { skip: skip || (whyNoRegistry() ?? false) }, () => {
  let registry: LabRegistry | undefined;
  let reference = "";
  before(async () => {
    registry = await startRegistry();
    reference = (await registry.pushBusybox("team/busybox:v1")).reference;
  });
  after(() => registry?.dispose());

  test("fetches an image, unpacks it, and prints its name with its digest", async () => {
    const { images, call, list } = place("pull");
    const { exitCode, stdout, stderr } = await call("pull", reference);
    const [image] = await list();
    assert.deepEqual([exitCode, stdout], [0, `${reference}@${image?.digest}\n`], stderr);
    assert.match(
      stderr,
      /^[0-9a-f]{12}: fetching, [^\n]*\n[0-9a-f]{12}: fetched\n[0-9a-f]{12}: unpacking\n[0-9a-f]{12}: done\n$/,
    );
    assert.deepEqual(countFiles(images), {
      "blobs/sha256": 3,
      "layers/sha256": 1,
      "layers/tmp": 0,
      images: 1,
    });
  });

  test("fetches nothing twice, and takes a digest for a name", async () => {
    const { call, list } = place("pull");
    const { stdout, stderr } = await call("pull", reference);
    assert.match(stderr, /^[0-9a-f]{12}: done\n$/);
    const named = `${reference.split(":").slice(0, 2).join(":")}@${(await list())[0]?.digest}`;
    assert.equal((await call("pull", "-q", named)).stdout, `${named}\n`);
    assert.match(stdout, /@sha256:/);
  });

  test("shows nothing with --quiet, and every event with --json, the image last", async () => {
    const quiet = await place("quiet").call("pull", "--quiet", reference);
    assert.deepEqual([quiet.exitCode, quiet.stderr], [0, ""]);
    const { stdout, stderr } = await place("json").call("pull", "--json", reference);
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.equal(stderr, "");
    const kinds = new Set(events.map(({ kind, phase }) => phase ?? kind));
    assert.deepEqual(
      [...kinds],
      ["layers", "waiting", "fetching", "fetched", "unpacking", "writing", "done", "image"],
    );
    assert.equal(`${events.at(-1).reference}@${events.at(-1).digest}\n`, quiet.stdout);
  });

  test("draws bars on a terminal, and has its cursor back", async () => {
    const { env } = place("bars");
    const line = `${process.execPath} ${ebbPath} pull ${reference}`;
    const options = { env: { ...process.env, ...env, TERM: "xterm" }, input: "" };
    const { stdout } = await command("script", ["-qec", line, "/dev/null"], options);
    assert.match(stripVTControlCharacters(stdout), /[0-9a-f]{12} done {6}\[={30}\] [\d.]+ [KM]iB/);
    assert.equal(stdout.split("\u001b[?25h").length, stdout.split("\u001b[?25l").length);
  });

  for (const [title, platform, expected] of [
    ["is none that there is", "plan9/mips", /^ebb: [^\n]*plan9\/mips[^\n]*\n$/],
    ["is no platform at all", "Linux", /^ebb: platform "Linux" is not os\/architecture[^\n]*\n$/],
  ] as const) {
    test(`has exit status 1 where the platform ${title}`, async () => {
      const { images, call } = place("platform");
      const { exitCode, stderr } = await call("pull", "-q", "--platform", platform, reference);
      assert.equal(exitCode, 1);
      assert.match(stderr, expected);
      assert.deepEqual(countFiles(images), NOTHING);
    });
  }

  test("says so in one line where the disk is full, and leaves nothing", async () => {
    const images = path.join(dir, "full");
    fs.mkdirSync(images);
    const host = `mount -t tmpfs -o size=256k tmpfs ${images}`;
    const after = 'status=$?; find "$EBB_IMAGES_DIR" -type f -path "*sha256*"; exit $status';
    const { exitCode, stdout, stderr } = await ebb(["pull", reference], {
      host,
      env: place("full").env,
      by: ["sh", "-c", `"$@"; ${after}`, "sh"],
    });
    assert.deepEqual([exitCode, stdout], [1, ""], stderr);
    assert.match(stderr, /ebb: [^\n]*(ENOSPC|no space left|No space left)[^\n]*\n$/);
  });
});

describe("ebb pull where something is wrong", { skip }, () => {
  const references: [reference: string, expected: RegExp][] = [
    ["", /is empty/],
    ["host.example/UPPER", /UPPER/],
    ["http://host/name", /http:\/\/host\/name/],
    ["name:", /name:/],
    ["name@sha256:123", /name@sha256:123/],
    ["../up", /\.\.\/up/],
    ["a\u001b[2J", /^\P{Cc}*\n$/u],
  ];
  for (const [reference, expected] of references) {
    test(`refuses the reference ${JSON.stringify(reference)} in one line, with exit status 1`, async () => {
      const { images, call } = place("references");
      const { exitCode, stdout, stderr } = await call("pull", reference);
      assert.deepEqual([exitCode, stdout], [1, ""]);
      assert.match(stderr, /^ebb: [^\n]+\n$/);
      assert.match(stderr, expected);
      assert.equal(fs.existsSync(images), false);
    });
  }

  test("tells of a registry that is not there", async () => {
    const { images, call } = place("nowhere");
    const { exitCode, stdout, stderr } = await call("pull", "localhost:1/app:v1");
    assert.deepEqual([exitCode, stdout], [1, ""]);
    assert.match(stderr, /ebb: [^\n]*localhost:1[^\n]*\n$/);
    assert.deepEqual(countFiles(images), NOTHING);
  });

  const faults: [title: string, faults: Faults, name: string, expected: RegExp][] = [
    ["an image that there is not", {}, "app:missing", /app:missing|app.*not found/],
    ["a registry that fails", { status: 500 }, "app:v1", /500/],
    ["a registry that lets nobody in", { status: 403 }, "app:v1", /app|403/],
    ["a layer with another digest", { wrongLayer: true }, "app:v1", /sha256:[0-9a-f]{64}/],
    ["a registry that stalls", { stalls: true }, "app:v1", /1 s|1000 ms|stall/],
  ];
  for (const [title, fault, name, expected] of faults) {
    test(`tells of ${title} in one line, and leaves nothing`, async () => {
      await withRegistry(fault, async ({ host }) => {
        const { images, call } = place(`fault-${title.replaceAll(" ", "-")}`);
        const { exitCode, stdout, stderr } = await call("pull", "-q", `${host}/${name}`);
        assert.deepEqual([exitCode, stdout], [1, ""]);
        assert.match(stderr, /^ebb: [^\n]+\n$/);
        assert.match(stderr, expected);
        const { "blobs/sha256": _, ...left } = countFiles(images);
        assert.deepEqual(left, { "layers/sha256": 0, "layers/tmp": 0, images: 0 });
      });
    });
  }

  for (const [name, argument] of [
    ["pull", "busybox"],
    ["load", "busybox.tar"],
    ["rmi", "busybox"],
  ] as const) {
    test(`is for root alone, as is ebb ${name}`, async () => {
      // Another user than root from here on, and not before: it may have no way to the files.
      const module = JSON.stringify(path.join(path.dirname(ebbPath), "program.js"));
      const script = `import(${module}).then(async ({ runCommandLine }) => {
        process.setuid(65534);
        process.exit(await runCommandLine(${JSON.stringify([name, argument])}));
      })`;
      const { exitCode, stderr } = await ebb([], { by: [process.execPath, "-e", script] });
      const told = `ebb: ebb ${name} needs root: this is user 65534; call it as root or with sudo\n`;
      assert.deepEqual([exitCode, stderr], [1, told]);
    });
  }
});

describe("ebb pull that is interrupted", { skip }, () => {
  /** Starts a pull that stalls, and waits until it does. */
  async function stalled(host: string, name: string, flags: readonly string[] = []): Promise<ChildProcess> {
    const { env } = place(name);
    const args = [ebbPath, "pull", ...flags, `${host}/app:v1`];
    const child = spawn(process.execPath, args, { env: { ...process.env, ...env, EBB_CONFIG: "" } });
    await new Promise((resolve) => child[flags.length > 0 ? "stdout" : "stderr"]?.once("data", resolve));
    return child;
  }

  for (const [signal, status] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    test(`ends at once by ${signal}, with the exit status that shells have for it`, async () => {
      await withRegistry({ stalls: true }, async ({ host, blobs }) => {
        const child = await stalled(host, `interrupted-${signal}`);
        await until("the request for the layer", () => (blobs() >= 2 ? true : undefined));
        let stderr = "";
        child.stderr?.on("data", (chunk) => (stderr += String(chunk)));
        child.kill(signal);
        assert.equal(await new Promise((resolve) => child.once("close", resolve)), status);
        assert.equal(stderr, "ebb: interrupted\n");
        assert.equal(countFiles(path.join(dir, `interrupted-${signal}`)).images, 0);
      });
    });
  }

  test("leaves a terminal as it was when Ctrl-C is typed while bars are drawn", async () => {
    await withRegistry({ stalls: true }, async ({ host }) => {
      const { env } = place("typed");
      const line = `${process.execPath} ${ebbPath} pull ${host}/app:v1`;
      const terminal = spawn("script", ["-qec", line, "/dev/null"], {
        env: { ...process.env, ...env, EBB_CONFIG: "", TERM: "xterm" },
      });
      let drawn = "";
      terminal.stdout.on("data", (chunk) => (drawn += String(chunk)));
      await until("a bar", () => drawn.includes("fetching") || undefined);
      terminal.stdin.write("\u0003");
      assert.equal(await new Promise((resolve) => terminal.once("close", resolve)), 130);
      assert.equal(drawn.split("\u001b[?25h").length, drawn.split("\u001b[?25l").length);
      assert.match(stripVTControlCharacters(drawn), /ebb: interrupted\r?\n$/);
    });
  });

  test("ends as by a broken pipe when nobody reads its events any more", async () => {
    const registry = await serveImage(rootfs);
    try {
      const { env } = place("unread");
      const line = `${process.execPath} ${ebbPath} pull --json ${registry.host}/app:v1 | :; exit "\${PIPESTATUS[0]}"`;
      const { exitCode, stderr } = await command("bash", ["-c", line], { env: { ...process.env, ...env } });
      assert.deepEqual([exitCode, stderr], [141, ""]);
    } finally {
      await registry.close();
    }
  });
});

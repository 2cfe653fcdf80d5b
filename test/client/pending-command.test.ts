import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type CommandResult, command } from "../../lab/command.ts";
import { makeSlowDisk, type SlowDisk, whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";
import { listPending, type PendingRelease } from "../../src/client/pending.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { type DirtyOverlay, dirtyOverlay } from "../rootfs/dirty-overlay.ts";
import { helperPids, scratch } from "../rootfs/scratch.ts";

const built = fileURLToPath(new URL("../../dist/lib", import.meta.url));
const place = scratch(loadLibc());
const skip = whyNoSlowDisk() ?? false;
const { runDirectory } = place.host;

/** Runs `ebb pending` as it was built. */
function pending(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CommandResult> {
  const main = path.join(built, "client/cli/main.js");
  return command(process.execPath, [main, "pending", ...args], {
    env: { ...process.env, EBB_RUN_DIR: runDirectory, ...env },
  });
}

/** What `ebb pending --json` says once it fits. */
function listed(what: string, fits: (releases: readonly PendingRelease[]) => boolean) {
  return until(what, async () => {
    const { exitCode, stdout, stderr } = await pending(["--json"]);
    assert.deepEqual([exitCode, stderr], [0, ""]);
    const releases = JSON.parse(stdout) as PendingRelease[];
    return fits(releases) ? releases : undefined;
  });
}

/** Lets go of what is mounted here for any test but the one mount that is to be held. */
const HOLD_ONLY = `
  while read -r id parent device root point rest; do
    case $point in "$1") ;; "$2"/*) umount -l "$point" ;; esac
  done </proc/self/mountinfo
  echo
  exec cat`;

/** A process in another mount namespace with a copy of this mount, and of none that another test may wait for. */
async function holdElsewhere(point: string): Promise<ChildProcess> {
  const args = ["--mount", "sh", "-c", HOLD_ONLY, "sh", point, os.tmpdir()];
  const child = spawn("unshare", args, { stdio: ["pipe", "pipe", "inherit"] });
  await new Promise((resolve) => child.stdout?.once("data", resolve));
  return child;
}

describe("ebb pending", () => {
  test("says that nothing is pending where no shim ever ran, and makes nothing", async () => {
    const env = { EBB_RUN_DIR: path.join(place.dir, "none") };
    const { exitCode, stdout, stderr } = await pending([], env);
    assert.deepEqual([exitCode, stdout, stderr], [0, "", "nothing is pending\n"]);
    assert.equal((await pending(["--json"], env)).stdout, "[]\n");
    assert.equal(fs.existsSync(env.EBB_RUN_DIR), false);
  });

  test("finds the run directory in the host's configuration", async () => {
    const file = path.join(place.dir, "config.json");
    fs.writeFileSync(file, JSON.stringify({ version: 2, runtime: { runDirectory: file } }));
    const { exitCode, stderr } = await pending([], { EBB_RUN_DIR: "", EBB_CONFIG: file });
    assert.deepEqual([exitCode, stderr], [1, `ebb: read ${file}/pending: ENOTDIR\n`]);
  });

  for (const [title, env, message] of [
    ["a run directory that is no path", { EBB_RUN_DIR: "run" }, /^ebb: EBB_RUN_DIR must be an absolute path/],
    [
      "a configuration that is not there",
      { EBB_RUN_DIR: "", EBB_CONFIG: "/no/such.json" },
      /^ebb: \/no\/such/,
    ],
  ] as const) {
    test(`refuses ${title} with exit status 1`, async () => {
      const { exitCode, stdout, stderr } = await pending([], env);
      assert.deepEqual([exitCode, stdout], [1, ""]);
      assert.match(stderr, message);
    });
  }

  test("tells who is not root that he may not look", { skip: process.getuid?.() !== 0 }, async () => {
    const dir = path.join(place.dir, "closed");
    fs.mkdirSync(path.join(dir, "pending"), { recursive: true, mode: 0o700 });
    // Another user than root from here on, and not before: it may have no way to the files.
    const module = JSON.stringify(path.join(built, "client/cli/program.js"));
    const script = `import(${module}).then(async ({ runCommandLine }) => {
      process.setuid(65534);
      process.exit(await runCommandLine(["pending"]));
    })`;
    const env = { ...process.env, EBB_RUN_DIR: dir };
    const { exitCode, stdout, stderr } = await command(process.execPath, ["-e", script], { env });
    assert.deepEqual([exitCode, stdout], [1, ""]);
    assert.match(stderr, /^ebb: read .*: EACCES: this is user 65534; call ebb pending as root/);
  });

  test("runs without what calls the kernel directly", () => {
    const loaded = importedBy(path.join(built, "client/cli/pending-command.js"));
    assert.ok(loaded.has(path.join(built, "client/pending.js")), [...loaded].join());
    assert.equal(loaded.has(path.join(built, "linux/koffi-libc.js")), false);
  });
});

/** The modules that are loaded with one, itself included. */
function importedBy(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  const imports = /^(?:import|export) (?:.* from )?"(\.[^"]+)"/gm;
  for (const [, name = ""] of fs.readFileSync(file, "utf8").matchAll(imports)) {
    importedBy(path.join(path.dirname(file), name), found);
  }
  return found;
}

describe("ebb pending, with two releases on a disk that takes a byte a second", () => {
  let disk: SlowDisk | undefined;
  let holder: ChildProcess | undefined;
  let overlays: readonly DirtyOverlay[] = [];
  let pids: readonly number[] = [];
  let started = 0;
  before(async () => {
    if (skip !== false) return;
    disk = await makeSlowDisk();
    const first = await dirtyOverlay(place, disk, "first");
    const second = await dirtyOverlay(place, disk, "second");
    overlays = [first, second];
    holder = await holdElsewhere(second.rootfs);
    disk.throttle(1);
    started = Date.now();
    for (const [index, { rootfs }] of overlays.entries()) {
      const release = await place.release(rootfs, { id: index === 0 ? "one" : "two" });
      pids = [...pids, ...helperPids(release)];
      await listed("the first to sync", ([one]) => one?.state === "syncing");
    }
  });
  after(async () => {
    disk?.lift();
    const ended = new Promise((resolve) => holder?.once("exit", resolve));
    if (holder?.kill("SIGKILL")) await ended;
    await disk?.dispose();
  });

  test("has both with all that is known of them in one JSON document, as the library has", {
    skip,
  }, async () => {
    const both = await listed("the second to wait", ([, two]) => two?.state === "waiting");
    const ages = both.map(({ ageMs }) => ageMs);
    assert.ok(
      ages.every((age) => age >= 0 && age <= Date.now() - started),
      ages.join(),
    );
    const device = fs.readFileSync(`/sys/block/${path.basename(disk?.device ?? "")}/dev`, "utf8").trim();
    const namespace = fs.statSync(`/proc/${holder?.pid}/ns/mnt`).ino;
    const mountPoints = [overlays[1]?.rootfs];
    const expected = overlays.map(({ rootfs, upper }, index) => ({
      namespace: "test",
      id: index === 0 ? "one" : "two",
      mode: "deferred",
      kind: "overlay",
      mountPoint: rootfs,
      source: upper,
      device,
      state: index === 0 ? "syncing" : "waiting",
      holders: index === 0 ? [] : [{ namespace, pids: [holder?.pid], processes: 1, mountPoints }],
    }));
    const facts = both.map(({ mounted, since, ageMs: _, helper, stack: __, ...rest }) => {
      assert.match(mounted, /^0:\d+$/);
      assert.equal(new Date(since).toISOString(), since);
      assert.ok(helper.startTime > 0);
      return rest;
    });
    assert.deepEqual(facts, expected);
    assert.deepEqual(
      both.map(({ helper }) => helper.pid),
      pids,
    );
    // What changes by itself from one look to the next is left out.
    const lasting = ({ ageMs: _, stack: __, ...rest }: PendingRelease) => rest;
    assert.deepEqual((await listPending({ runDirectory })).map(lasting), both.map(lasting));
  });

  test("shows them in a table, with where in the kernel each is, and who else holds one", {
    skip,
  }, async () => {
    await listed("the second to wait", ([, two]) => two?.state === "waiting");
    const { exitCode, stdout, stderr } = await pending(["--stack"]);
    assert.deepEqual([exitCode, stderr], [0, ""]);
    const lines = stdout.trimEnd().split("\n");
    assert.match(lines[0] ?? "", /^CONTAINER +SOURCE +DEVICE +AGE +HELPER +STATE$/);
    const rows = lines.filter((line) => line.startsWith("test/")).map((line) => line.split(/ {2,}/));
    assert.deepEqual(
      rows.slice(0, 2).map(([name, source, , , pid, state]) => [name, source, pid, state]),
      [
        ["test/one", overlays[0]?.upper, String(pids[0]), "syncing"],
        ["test/two", overlays[1]?.upper, String(pids[1]), "waiting"],
      ],
    );
    assert.match(
      stdout,
      /^test\/two is also mounted at .*second\/rootfs in mount namespace \d+ \(pid \d+\)$/m,
    );
    const second = lines.findIndex((line) => line.startsWith("test/two"));
    const stack = lines.slice(2, second);
    assert.ok(
      stack.some((line) => /^ {2}(ovl_sync_fs|sync_filesystem|cleanup_mnt)$/.test(line)),
      stack.join(),
    );
  });

  test("has none once the disk goes on, and all is written", { skip }, async () => {
    disk?.lift();
    await listed("the end", (releases) => releases.length === 0);
    assert.ok(overlays.every(({ readBack }) => readBack()));
    assert.equal((await pending([])).stderr, "nothing is pending\n");
  });
});

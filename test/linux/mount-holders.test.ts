import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { until } from "../../lab/until.ts";
import { deadline } from "../../src/base/deadline.ts";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { UmountFlag } from "../../src/linux/libc.ts";
import { findAllMountHolders, findMountHolders, ownMountNamespace } from "../../src/linux/mount-holders.ts";
import { readMountInfo } from "../../src/linux/mountinfo.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";
const dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-holders-"));
after(() => fs.rmSync(dir, { recursive: true }));

const openFiles = () => fs.readdirSync("/proc/self/fd").length;

interface FakeProcess {
  readonly namespace?: number;
  readonly root?: string;
  readonly mountinfo?: string;
}

/** A proc with these processes; what a process lacks is what had gone when it was looked at. */
function fakeProc(name: string, processes: Readonly<Record<string, FakeProcess>>): string {
  const proc = path.join(dir, name);
  for (const [pid, { namespace, root, mountinfo }] of Object.entries(processes)) {
    fs.mkdirSync(path.join(proc, pid, "ns"), { recursive: true });
    if (namespace !== undefined) fs.symlinkSync(`mnt:[${namespace}]`, path.join(proc, pid, "ns/mnt"));
    if (root !== undefined) fs.symlinkSync(root, path.join(proc, pid, "root"));
    if (mountinfo !== undefined) fs.writeFileSync(path.join(proc, pid, "mountinfo"), mountinfo);
  }
  return proc;
}

const line = (device: string, point: string) => `36 35 ${device} / ${point} rw - overlay overlay rw\n`;

describe("the holders of a file system", () => {
  test("are told by namespace, with pids in the order of numbers, and mount points as the namespace has them", async () => {
    const mountinfo =
      line("0:44", "/a\\040b") + line("0:4", "/no") + line("10:44", "/no") + line("0:44", "/c");
    const proc = fakeProc("two", {
      10: { namespace: 7, root: "/", mountinfo },
      9: { namespace: 7, root: "/", mountinfo },
      100: { namespace: 8, root: "/", mountinfo: line("0:44", "/d") },
      101: { namespace: 9, root: "/", mountinfo: line("0:45", "/e") },
      self: { namespace: 6, root: "/", mountinfo },
    });
    assert.deepEqual(await findMountHolders("0:44", { proc }), {
      holders: [
        { namespace: 7, pids: [9, 10], processes: 2, mountPoints: ["/a b", "/c"] },
        { namespace: 8, pids: [100], processes: 1, mountPoints: ["/d"] },
      ],
      unknown: 0,
    });
  });

  test("are told of several file systems at once, each with its own", async () => {
    const proc = fakeProc("several", {
      10: {
        namespace: 7,
        root: "/",
        mountinfo: line("0:44", "/a") + line("0:45", "/b") + line("0:44", "/c"),
      },
      11: { namespace: 8, root: "/", mountinfo: line("0:45", "/d") + line("0:46", "/no") },
    });
    const { byDevice, unknown } = await findAllMountHolders(["0:44", "0:45", "0:47"], { proc });
    const one = { namespace: 7, pids: [10], processes: 1 };
    assert.deepEqual(Object.fromEntries(byDevice), {
      "0:44": [{ ...one, mountPoints: ["/a", "/c"] }],
      "0:45": [
        { ...one, mountPoints: ["/b"] },
        { namespace: 8, pids: [11], processes: 1, mountPoints: ["/d"] },
      ],
    });
    assert.equal(unknown, 0);
  });

  test("are those outside the namespaces that are not of interest", async () => {
    const one = { root: "/", mountinfo: line("0:44", "/a") };
    const proc = fakeProc("excluded", { 1: { ...one, namespace: 7 }, 2: { ...one, namespace: 8 } });
    const { holders } = await findMountHolders("0:44", { proc, exclude: new Set([7]) });
    assert.deepEqual(
      holders.map(({ namespace }) => namespace),
      [8],
    );
  });

  test("are counted where they are too many to name", async () => {
    const one = { namespace: 7, root: "/", mountinfo: line("0:44", "/a") };
    const proc = fakeProc("many", Object.fromEntries(Array.from({ length: 100 }, (_, n) => [n + 1, one])));
    const { holders } = await findMountHolders("0:44", { proc, maxPids: 3 });
    assert.deepEqual(holders, [{ namespace: 7, pids: [1, 2, 3], processes: 100, mountPoints: ["/a"] }]);
  });

  test("are found though the first process of a namespace sees less of it, or has gone", async () => {
    const proc = fakeProc("less", {
      1: { namespace: 7, root: "/chroot", mountinfo: "" },
      2: { namespace: 7, root: "/", mountinfo: line("0:44", "/a") },
      3: { namespace: 8 },
      4: { namespace: 8, root: "/chroot", mountinfo: line("0:44", "/b") },
      5: { namespace: 9 },
      6: {},
    });
    const { holders, unknown } = await findMountHolders("0:44", { proc });
    assert.deepEqual(
      holders.map(({ pids, mountPoints }) => [pids, mountPoints]),
      [
        [[1, 2], ["/a"]],
        [[3, 4], ["/b"]],
      ],
    );
    assert.equal(unknown, 0);
  });

  test("are not told by halves once the signal aborts", async () => {
    const { signal, cleanup } = deadline(0, "looking for holders");
    await until("the deadline", () => signal.aborted || undefined);
    const looking = findMountHolders("0:44", { signal });
    await assert.rejects(looking, (err) => hasCode(err, StatusCode.deadlineExceeded));
    cleanup();
  });

  test("are looked for without the event loop standing still, and no descriptor stays open", async () => {
    const one = { root: "/", mountinfo: line("0:44", "/a") };
    const many = Array.from({ length: 300 }, (_, n) => [n + 1, { ...one, namespace: n }]);
    const proc = fakeProc("loop", Object.fromEntries(many));
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 0);
    const before = openFiles();
    const { holders } = await findMountHolders("0:44", { proc });
    clearInterval(timer);
    assert.equal(holders.length, 300);
    assert.ok(turns > 5, `${turns} turns`);
    assert.equal(openFiles(), before);
  });
});

describe("on this host", () => {
  const libc = loadLibc();

  /** A process in a mount namespace of its own, which says when it is in it. */
  async function inNamespace(...program: string[]): Promise<ChildProcess> {
    const child = spawn("unshare", ["--mount", ...program], { stdio: ["pipe", "pipe", "inherit"] });
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    return child;
  }

  const end = async (child: ChildProcess) => {
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
  };

  test("a process in another mount namespace that has a copy of a mount is found until it ends", {
    skip,
  }, async () => {
    const point = path.join(dir, "copied");
    fs.mkdirSync(point);
    await libc.mount({ source: "none", target: point, type: "tmpfs", flags: 0, data: "" });
    const device = readMountInfo().find(({ mountPoint }) => mountPoint === point)?.device ?? "";
    const holder = await inNamespace("sh", "-c", "echo; exec cat");
    libc.umount(point, UmountFlag.detach);
    const { holders } = await findMountHolders(device);
    const namespace = fs.statSync(`/proc/${holder.pid}/ns/mnt`).ino;
    assert.deepEqual(holders, [{ namespace, pids: [holder.pid], processes: 1, mountPoints: [point] }]);
    await end(holder);
    assert.deepEqual((await findMountHolders(device)).holders, []);
  });

  test("our own namespace is one that can be left out", async () => {
    const device = readMountInfo().find(({ mountPoint }) => mountPoint === "/proc")?.device ?? "";
    const own = ownMountNamespace();
    const all = (await findMountHolders(device)).holders.map(({ namespace }) => namespace);
    assert.ok(all.includes(own));
    const others = await findMountHolders(device, { exclude: new Set([own]) });
    assert.ok(!others.holders.some(({ namespace }) => namespace === own));
  });

  test("who is not root finds himself, counts whom he may not look at, but not those who see what he sees", {
    skip,
  }, async () => {
    const stranger = await inNamespace("sh", "-c", "echo; exec cat");
    const module = JSON.stringify(new URL("../../src/linux/mount-holders.ts", import.meta.url).pathname);
    const script = `
      const { findMountHolders } = await import(${module});
      const { holders, unknown } = await findMountHolders(process.argv.at(-1));
      const me = holders.some(({ pids }) => pids.includes(process.pid));
      const others = (await import("node:fs")).readdirSync("/proc").filter((name) => /^\\d+$/.test(name)).length;
      console.log(JSON.stringify({ me, unknown, others }));`;
    const device = readMountInfo().find(({ mountPoint }) => mountPoint === "/proc")?.device ?? "";
    const child = spawn(process.execPath, ["-e", script, device], {
      uid: 65_534,
      gid: 65_534,
      cwd: "/",
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    child.stdout.on("data", (chunk) => {
      said += String(chunk);
    });
    await new Promise((resolve) => child.once("close", resolve));
    await end(stranger);
    const { me, unknown, others } = JSON.parse(said);
    assert.equal(me, true);
    assert.ok(unknown > 0 && unknown < others, `${unknown} of ${others}`);
  });
});

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../lab/until.ts";
import { nullLogger } from "../../src/base/logger.ts";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import type { Libc } from "../../src/linux/libc.ts";
import { ownChildren, readProcessStat } from "../../src/linux/process-stat.ts";
import { startHelper } from "../../src/rootfs/release-helper.ts";
import { helperPids, notRoot, openDirectories, scratch } from "./scratch.ts";

const libc = loadLibc();
const place = scratch(libc);
const skip = notRoot;
const tmpfs = (target: string) => libc.mount({ source: "none", target, type: "tmpfs", flags: 0, data: "" });
const nameOf = (pid: number) => fs.readFileSync(`/proc/${pid}/comm`, "utf8").trim();
/** The name of a program once it waits: before, exec may still have to close files, and the loader opens some. */
const started = (pid: number) =>
  nameOf(pid) !== nameOf(process.pid) && readProcessStat(pid)?.state === "S" ? nameOf(pid) : undefined;
const gone = (pid: number) => [undefined, "Z"].includes(readProcessStat(pid)?.state);

/** The kernel's calls, with a look at the helper in the moment before anything is detached. */
function lookingLibc(look: (helper: number) => void): Libc {
  const before = new Set(ownChildren());
  const seen = () => ownChildren().filter((pid) => !before.has(pid) && !gone(pid));
  return Object.create(libc, {
    hasChanged: { value: libc.hasChanged.bind(libc) },
    mount: { value: libc.mount.bind(libc) },
    umount: {
      value: (target: string, flags: number) => {
        look(seen()[0] ?? 0);
        libc.umount(target, flags);
      },
    },
  });
}

describe("the helper of a release", () => {
  test("holds the mounts, and nothing else of ours, before the first is detached", { skip }, async () => {
    const [rootfs = ""] = place.make("held");
    await tmpfs(rootfs);
    const inner = path.join(rootfs, "inner");
    fs.mkdirSync(inner);
    await tmpfs(inner);
    const looks: unknown[] = [];
    const looking = lookingLibc((pid) => {
      while (started(pid) === undefined);
      const read = (file: string) => fs.readFileSync(`/proc/${pid}/${file}`, "utf8");
      const [, , , group, session] = read("stat").slice(read("stat").lastIndexOf(")")).split(" ");
      const fds = fs.readdirSync(`/proc/${pid}/fd`).sort((a, b) => Number(a) - Number(b));
      looks.push({
        name: nameOf(pid),
        environment: read("environ"),
        directory: fs.readlinkSync(`/proc/${pid}/cwd`),
        own: [group, session].every((id) => Number(id) === pid),
        files: fds.slice(1).map((fd) => [Number(fd), fs.readlinkSync(`/proc/${pid}/fd/${fd}`)]),
      });
    });
    const { ended } = await place.release(rootfs, { libc: looking });
    await ended;
    const first = { name: "sh", environment: "", directory: "/", own: true };
    // The second look is after the inner mount was detached: its name is gone, the hold on it is not.
    const none = [1, 2].map((fd) => [fd, "/dev/null"]);
    assert.deepEqual(looks[0], { ...first, files: [...none, [4, inner], [5, rootfs]] });
    assert.equal(looks.length, 2);
  });

  test("that has been killed before the detaching is missed by nobody", { skip }, async () => {
    const [rootfs = ""] = place.make("killed");
    await tmpfs(rootfs);
    const before = openDirectories(place.dir);
    const killing = lookingLibc((pid) => {
      process.kill(pid, "SIGKILL");
      while (!gone(pid));
    });
    const { mounts, ended } = await place.release(rootfs, { libc: killing });
    assert.deepEqual([mounts.map(({ mountPoint }) => mountPoint), place.mounts()], [[rootfs], []]);
    await ended;
    assert.equal(openDirectories(place.dir), before);
  });

  test("that does not end leaves the release open until it has", { skip }, async () => {
    const [rootfs = ""] = place.make("lasting");
    await tmpfs(rootfs);
    const helpers = [["/bin/sleep", "1000"]] as const;
    const released = await place.release(rootfs, { shell: "/no/such/shell", helpers });
    const [pid = 0] = helperPids(released);
    let over = false;
    const ended = released.ended.then(() => {
      over = true;
    });
    assert.deepEqual(place.mounts(), []);
    assert.equal(await until("the helper to start", () => started(pid)), "sleep");
    assert.deepEqual(
      fs.readdirSync(`/proc/${pid}/fd`).filter((fd) => Number(fd) > 3),
      ["4"],
    );
    assert.equal(over, false);
    process.kill(pid, "SIGKILL");
    await ended;
    assert.ok(gone(pid));
  });
});

describe("a run directory that cannot be written", () => {
  test("costs the turn and makes the answer wait, but the rootfs goes", { skip }, async () => {
    const [rootfs = "", lower = "", upper = "", work = ""] = place.make("u/r", "u/l", "u/u", "u/w");
    const data = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
    await libc.mount({ source: "overlay", target: rootfs, type: "overlay", flags: 0, data });
    const told: string[] = [];
    const logger = { ...nullLogger, error: (message: string) => void told.push(message) };
    const { ended, mustWait } = await place.release(rootfs, { runDirectory: "/proc/self/run", logger });
    assert.deepEqual(place.mounts(), []);
    assert.match(mustWait, /cannot be written down: run directory \/proc\/self\/run\/pending: ENOENT/);
    assert.deepEqual(told, ["the release takes no turn on its device", mustWait]);
    await ended;
  });
});

describe("starting a helper", () => {
  test("takes the first that can be started, and ends it by the end of its stdin", async () => {
    const fallbacks = [["/bin/cat"], ["/bin/false"]] as const;
    const helper = await startHelper({ fds: [], shell: "/no/such/shell", fallbacks });
    assert.equal(await until("the helper to start", () => started(helper.pid)), "cat");
    assert.equal(helper.startTime, readProcessStat(helper.pid)?.startTime);
    helper.letGo();
    helper.letGo();
    await helper.exited;
    assert.ok(gone(helper.pid));
  });

  test("is unavailable where none can be, naming each and why", async () => {
    await assert.rejects(
      startHelper({ fds: [], shell: "/no/such/shell", fallbacks: [["/etc/passwd"]] }),
      (err: Error) =>
        hasCode(err, StatusCode.unavailable) && /\/no\/such\/shell.*; .*\/etc\/passwd/.test(err.message),
    );
  });

  test("leaves no descriptor and no process where it fails", async () => {
    const count = () => [fs.readdirSync("/proc/self/fd").length, ownChildren().length];
    const before = count();
    for (let n = 0; n < 20; n += 1) await startHelper({ fds: [], shell: "/no/such/shell" }).catch(() => {});
    await until("the pipes to be closed", () => (count().join() === before.join() ? true : undefined));
  });
});

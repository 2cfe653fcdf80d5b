import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import {
  identifyProcess,
  isRunning,
  killProcess,
  type ProcessIdentity,
  waitUntilGone,
} from "../../src/client/process-state.ts";
import { findShimProcesses, killShim } from "../../src/client/shim-process.ts";
import { script } from "../support/files.ts";
import { scratchDir } from "./support.ts";

const dir = scratchDir();
const wanted = { namespace: "ns", id: "c1", address: path.join(dir, "daemon.sock") };

function sleeper(): ChildProcess {
  return spawn("sleep", ["60"], { stdio: "ignore" });
}

async function identityOf(child: ChildProcess): Promise<ProcessIdentity> {
  const identity = await identifyProcess(child.pid ?? 0);
  assert.ok(identity !== undefined);
  return identity;
}

describe("a process", () => {
  test("is known by its pid and the time of its start", async () => {
    const child = sleeper();
    const identity = await identityOf(child);
    assert.equal(await isRunning(identity), true);
    assert.equal(await isRunning({ ...identity, startTime: "1" }), false);
    child.kill();
    assert.equal(await waitUntilGone(identity, 10_000), true);
    assert.equal(await isRunning(identity), false);
  });

  test("is unknown under a pid that nobody has", async () => {
    assert.equal(await identifyProcess(2 ** 22 + 1), undefined);
  });

  test("is awaited no longer than was asked", async () => {
    const child = sleeper();
    assert.equal(await waitUntilGone(await identityOf(child), 30), false);
    child.kill();
  });

  test("is killed, but not another one that has its pid by now", async () => {
    const child = sleeper();
    const identity = await identityOf(child);
    assert.equal(await killProcess({ ...identity, startTime: "1" }, 1000), true);
    assert.equal(await isRunning(identity), true);
    assert.equal(await killProcess(identity, 10_000), true);
    assert.equal(await isRunning(identity), false);
  });
});

describe("the processes of a shim", () => {
  const sleeping = script(dir, "shim", "echo ready; exec >&-; sleep 60 & wait");
  const flags = ["-namespace", "ns", "-id", "c1", "-address", wanted.address];

  /** Starts it, and waits until it runs: its command line is its own only then. */
  async function started(args: string[]) {
    const child = spawn(sleeping, args, { stdio: ["ignore", "pipe", "ignore"], detached: true });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    return child;
  }

  async function found(args: string[]): Promise<number> {
    const child = await started(args);
    const { length } = await findShimProcesses(wanted);
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    return length;
  }

  const commandLines: [title: string, args: string[], count: number][] = [
    ["with its namespace, id and address", flags, 1],
    ["in another order, with more flags", ["-debug", ...flags.slice(2), ...flags.slice(0, 2), "start"], 1],
    ["of another id", flags.map((word) => (word === "c1" ? "c11" : word)), 0],
    ["of another namespace", flags.map((word) => (word === "ns" ? "other" : word)), 0],
    ["of another daemon", flags.map((word) => (word === wanted.address ? "/run/other.sock" : word)), 0],
    ["without an address", flags.slice(0, 4), 0],
    ["that ends in a flag", ["-id", "c1", "-address", wanted.address, "-namespace"], 0],
  ];
  for (const [title, args, count] of commandLines) {
    test(`are ${count} of those ${title}`, async () => assert.equal(await found(args), count));
  }

  test("are killed, and their socket is removed", async () => {
    const socket = path.join(dir, "socket");
    writeFileSync(socket, "");
    const child = await started(flags);
    assert.equal(await killShim(wanted, socket), true);
    assert.equal(existsSync(socket), false);
    assert.deepEqual(await findShimProcesses(wanted), []);
    try {
      process.kill(-(child.pid ?? 0), "SIGKILL");
    } catch {
      // Its own child is gone as well.
    }
  });

  test("may be none", async () => {
    assert.equal(await killShim(wanted, undefined), true);
  });
});

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import { hasCode, StatusCode } from "../../../src/base/status.ts";
import {
  type ConnectSupervisorOptions,
  connectSupervisor,
  type SupervisorConnection,
} from "../../../src/client/daemon/connect-supervisor.ts";
import { supervisorPlace } from "../../../src/client/daemon/place.ts";
import { viewsFromWire } from "../../../src/client/daemon/wire.ts";
import { openFiles, scratchDir } from "../support.ts";
import { fakeCommand } from "./fake-supervisor.ts";

const dir = scratchDir();
const pids = new Set<number>();
let states = 0;

after(() => {
  for (const pid of pids) if (lives(pid)) process.kill(pid, "SIGKILL");
});

function newState(): string {
  states += 1;
  return path.join(dir, String(states));
}

/** Connects as version 1, by a supervisor of another version where one is given. */
async function connect(
  stateDir: string,
  { version = "1", idleMs = 60_000, alive = "", ...more }: Partial<ConnectSupervisorOptions> & Fake = {},
): Promise<SupervisorConnection> {
  const start = fakeCommand(stateDir, version, String(idleMs), alive);
  const connection = await connectSupervisor({ stateDir, version: "1", start, ...more });
  pids.add(connection.pid);
  return connection;
}

interface Fake {
  readonly version?: string;
  readonly idleMs?: number;
  readonly alive?: string;
}

function lives(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

const gone = (pid: number) => until(`${pid} to end`, () => (lives(pid) ? undefined : true));
const code = (wanted: StatusCode) => (error: unknown) => hasCode(error, wanted);

describe("the way to a supervisor", () => {
  test("starts one that lives by itself: its own session, at the root, without our streams", async () => {
    const stateDir = newState();
    const { pid, calls, close } = await connect(stateDir);
    assert.deepEqual(await viewsFromWire(calls.list({})), []);
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    assert.equal(Number(stat[3]), pid, "it leads its session");
    assert.equal(existsSync(`/proc/${pid}/cwd/proc/self`), true);
    assert.equal(statSync(stateDir).mode & 0o777, 0o700);
    assert.equal(statSync(supervisorPlace(stateDir).socket).mode & 0o777, 0o600);
    close();
    assert.deepEqual(openFiles(dir), []);
  });

  test("finds the one that is there", async () => {
    const stateDir = newState();
    const first = await connect(stateDir);
    const second = await connect(stateDir);
    assert.equal(second.pid, first.pid);
    for (const { close } of [first, second]) close();
  });

  test("leads all who start one at once to the same", async () => {
    const stateDir = newState();
    const all = await Promise.all(Array.from({ length: 8 }, () => connect(stateDir)));
    assert.equal(new Set(all.map(({ pid }) => pid)).size, 1);
    for (const { close } of all) close();
  });

  test("starts another where one was killed, whose socket is still there", async () => {
    const stateDir = newState();
    const first = await connect(stateDir);
    process.kill(first.pid, "SIGKILL");
    await gone(first.pid);
    assert.ok(existsSync(supervisorPlace(stateDir).socket));
    const second = await connect(stateDir);
    assert.notEqual(second.pid, first.pid);
    for (const { close } of [first, second]) close();
  });

  test("replaces what is no supervisor's socket", async () => {
    const stateDir = newState();
    mkdirSync(stateDir, { mode: 0o700 });
    writeFileSync(supervisorPlace(stateDir).socket, "");
    const { close } = await connect(stateDir);
    close();
  });

  test("says clearly that one is of another version, and how to end it", async () => {
    const stateDir = newState();
    const other = await connectSupervisor({ stateDir, version: "0.9", start: fakeCommand(stateDir, "0.9") });
    pids.add(other.pid);
    await assert.rejects(connect(stateDir), (error: Error) => {
      assert.ok(hasCode(error, StatusCode.failedPrecondition));
      assert.match(
        error.message,
        new RegExp(`pid ${other.pid}.* is of version 0.9, this is 1: .*kill ${other.pid}`),
      );
      return true;
    });
    other.close();
  });

  test("tells why one could not be started", async () => {
    await assert.rejects(
      connect(newState(), { version: "broken" }),
      /could not be started: nothing works today$/,
    );
    const start = ["/no/such/program"];
    await assert.rejects(connect(newState(), { start }), /could not be started: .*\/no\/such\/program/);
  });

  test("starts none where it may not", async () => {
    const options = { stateDir: newState(), version: "1" };
    await assert.rejects(connectSupervisor(options), code(StatusCode.unavailable));
  });

  test("gives up on one that never answers", async () => {
    const stateDir = newState();
    mkdirSync(stateDir, { mode: 0o700 });
    const silent = net.createServer(() => {}).listen(supervisorPlace(stateDir).socket);
    await new Promise((resolve) => silent.once("listening", resolve));
    await assert.rejects(connect(stateDir, { timeoutMs: 100 }), code(StatusCode.deadlineExceeded));
    silent.close();
  });
});

describe("a supervisor", () => {
  test("ends when nobody has needed it for a while, and leaves no socket", async () => {
    const stateDir = newState();
    const { pid, close } = await connect(stateDir, { idleMs: 50 });
    close();
    await gone(pid);
    assert.equal(existsSync(supervisorPlace(stateDir).socket), false);
  });

  test("goes on while a container lives, until it is told to end", async () => {
    const stateDir = newState();
    const { pid, close } = await connect(stateDir, { idleMs: 1, alive: "web" });
    close();
    // It has had the time to look more than once.
    const again = await connect(stateDir);
    assert.equal(again.pid, pid);
    process.kill(pid, "SIGTERM");
    await gone(pid);
    again.close();
  });

  test("ends when its state directory is removed", async () => {
    const stateDir = newState();
    const { pid, close } = await connect(stateDir, { alive: "web" });
    rmSync(stateDir, { recursive: true });
    await gone(pid);
    close();
  });

  test("goes on while it has a client", async () => {
    const stateDir = newState();
    const { pid, calls, close } = await connect(stateDir, { idleMs: 1 });
    for (let n = 0; n < 20; n += 1) await viewsFromWire(calls.list({}));
    assert.ok(lives(pid));
    close();
    await gone(pid);
  });
});

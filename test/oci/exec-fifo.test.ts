import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { O_PATH } from "../../src/linux/libc.ts";
import { letInitGo } from "../../src/oci/exec-fifo.ts";
import { countOpenFiles, makeFifo, withTempDir } from "../support/files.ts";
import { status } from "../support/status.ts";
import { until } from "./helpers.ts";

const NEVER = new Promise<never>(() => {});
/** Longer than anything here takes. */
const LONG_MS = 60_000;

/** The state of a container that waits for its start, as runc keeps it. */
function withState(body: (state: string, fifo: string) => Promise<void>): Promise<void> {
  return withTempDir(async (dir) => {
    const fifo = path.join(dir, "exec.fifo");
    makeFifo(fifo);
    await body(dir, fifo);
  });
}

/** A process that waits for what the script has it wait for, with the fifo's path as its argument. */
function run(script: string, fifo: string, descriptor: number | "ignore" = "ignore") {
  const stdio = ["ignore", "ignore", "ignore", descriptor] as const;
  const child = spawn("sh", ["-c", script, "init", fifo], { stdio: [...stdio] });
  const { pid } = child;
  assert.ok(pid);
  return { child, pid };
}

/** What runc's init does. */
const WRITES = "printf 0 > /proc/self/fd/3";
/** What one does that never comes so far. */
const HANGS = "exec sleep 1000";

/** A process that has, as runc's init, a descriptor that only names the fifo. */
function init(fifo: string, script = WRITES) {
  const named = fs.openSync(fifo, O_PATH);
  try {
    return run(script, fifo, named);
  } finally {
    fs.closeSync(named);
  }
}

function commandOf(pid: number): string {
  return fs.readFileSync(`/proc/${pid}/comm`, "utf8").trim();
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once("exit", resolve));
}

/** Whether a process sleeps in the open of a fifo, or, where the kernel does not tell, may do so. */
function waitsForOther(pid: number): boolean {
  return /fifo|partner|^0$/.test(fs.readFileSync(`/proc/${pid}/wchan`, "utf8"));
}

describe("an init", () => {
  test("that waits goes on, and its container runs from then on", async () => {
    await withState(async (stateDirectory, fifo) => {
      const { child, pid } = init(fifo);
      const exit = exitOf(child);
      await until(() => waitsForOther(pid), "an init that waits");
      assert.equal(await letInitGo({ stateDirectory, pid, ended: NEVER, limitMs: LONG_MS }), true);
      assert.equal(await exit, 0);
      assert.equal(fs.existsSync(fifo), false);
    });
  });

  test("that comes to wait only later goes on then", async () => {
    await withState(async (stateDirectory, fifo) => {
      const { child, pid } = init(fifo, `sleep 0.1; ${WRITES}`);
      const exit = exitOf(child);
      assert.equal(await letInitGo({ stateDirectory, pid, ended: NEVER, limitMs: LONG_MS }), true);
      assert.equal(await exit, 0);
    });
  });

  test("that goes on and ends at once has gone on all the same", async () => {
    await withState(async (stateDirectory, fifo) => {
      const { child, pid } = init(fifo, HANGS);
      const held = fs.openSync(fifo, "r+");
      fs.writeSync(held, "0");
      assert.equal(
        await letInitGo({ stateDirectory, pid, ended: Promise.resolve(), limitMs: LONG_MS }),
        true,
      );
      fs.closeSync(held);
      child.kill("SIGKILL");
    });
  });

  const endings: [how: string, ended: () => Promise<unknown>][] = [
    ["has just ended", () => Promise.resolve()],
    ["has ended in an unknown way", () => Promise.reject(new Error("unknown"))],
    ["ends meanwhile", () => new Promise((resolve) => setTimeout(resolve, 20))],
  ];
  for (const [how, ended] of endings) {
    test(`that ${how} is left to runc, and so is its fifo`, async () => {
      await withState(async (stateDirectory, fifo) => {
        const { child, pid } = init(fifo, HANGS);
        assert.equal(await letInitGo({ stateDirectory, pid, ended: ended(), limitMs: LONG_MS }), false);
        // Nothing of ours is left in it for runc to take for the init's byte.
        const left = fs.openSync(fifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
        assert.equal(fs.readSync(left, new Uint8Array(1)), 0);
        fs.closeSync(left);
        child.kill("SIGKILL");
      });
    });
  }

  test("that does not go on in time is an error, which leaves its fifo", async () => {
    await withState(async (stateDirectory, fifo) => {
      const { child, pid } = init(fifo, HANGS);
      const message = /^OCI runtime start failed: the init has not gone on for 30 ms$/;
      await assert.rejects(
        letInitGo({ stateDirectory, pid, ended: NEVER, limitMs: 30 }),
        status(StatusCode.deadlineExceeded, message),
      );
      assert.ok(fs.existsSync(fifo));
      child.kill("SIGKILL");
    });
  });
});

describe("it is left to the runtime, and nothing is touched, where", () => {
  /** Each with the fifo's directory, the fifo, and what an init runs that has it as descriptor 3. */
  const cases: [what: string, prepare: (state: string, fifo: string) => void, script?: string][] = [
    ["no fifo is there", (_, fifo) => fs.rmSync(fifo)],
    [
      "a file is in place of the fifo",
      (_, fifo) => {
        fs.rmSync(fifo);
        fs.writeFileSync(fifo, "0");
      },
    ],
    [
      "a link is in place of the fifo",
      (state, fifo) => {
        const other = path.join(state, "other");
        fs.renameSync(fifo, other);
        fs.symlinkSync(other, fifo);
      },
    ],
    [
      "another fifo is in place of the init's",
      (_, fifo) => {
        fs.rmSync(fifo);
        makeFifo(fifo);
      },
    ],
    ["the state is gone", (state) => fs.rmSync(state, { recursive: true })],
    // As crun's, which is told to go on by what is written to the fifo.
    ["the init reads from the fifo", () => {}, 'exec 3<&-; read -r line < "$1"'],
    ["the init is open on the fifo", () => {}, 'exec 3<> "$1"; exec sleep 1000'],
  ];
  for (const [what, prepare, script = HANGS] of cases) {
    test(what, async () => {
      await withState(async (stateDirectory, fifo) => {
        const { child, pid } = init(fifo, script);
        // From here on it has what it will have; before, it was a shell with the fifo's name.
        await until(() => commandOf(pid) === "sleep" || !fs.existsSync(`/proc/${pid}/fd/3`), "the init");
        prepare(stateDirectory, fifo);
        const list = () => (fs.existsSync(stateDirectory) ? fs.readdirSync(stateDirectory) : []);
        const before = list();
        assert.equal(await letInitGo({ stateDirectory, pid, ended: NEVER, limitMs: LONG_MS }), false);
        assert.deepEqual(list(), before);
        assert.equal(child.exitCode, null);
        child.kill("SIGKILL");
      });
    });
  }

  test("there is no such process", async () => {
    await withState(async (stateDirectory, fifo) => {
      const { child, pid } = init(fifo, HANGS);
      const exit = exitOf(child);
      child.kill("SIGKILL");
      await exit;
      assert.equal(await letInitGo({ stateDirectory, pid, ended: NEVER, limitMs: LONG_MS }), false);
    });
  });
});

test("no descriptor stays open, whatever the end", async () => {
  await withState(async (stateDirectory, fifo) => {
    const { child, pid } = init(fifo, HANGS);
    const attempt = (ended: Promise<unknown>, limitMs: number) =>
      letInitGo({ stateDirectory, pid, ended, limitMs }).catch(() => {});
    await attempt(Promise.resolve(), LONG_MS);
    const before = countOpenFiles();
    for (let i = 0; i < 20; i += 1) {
      await attempt(Promise.resolve(), LONG_MS);
      await attempt(NEVER, 1);
    }
    assert.equal(countOpenFiles(), before);
    child.kill("SIGKILL");
  });
});

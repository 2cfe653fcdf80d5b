import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { afterEach, describe, test } from "node:test";
import { sleep } from "../../src/base/deadline.ts";
import { StatusCode, StatusError } from "../../src/base/status.ts";
import { O_PATH } from "../../src/linux/libc.ts";
import { startInit } from "../../src/oci/exec-fifo.ts";
import { countOpenFiles, makeFifo, withTempDir } from "../support/files.ts";
import { status } from "../support/status.ts";
import { until } from "./helpers.ts";

const NEVER = new Promise<never>(() => {});

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** The state of a container that waits for its start, as runc keeps it. */
function withState(body: (state: string, fifo: string) => Promise<void>): Promise<void> {
  return withTempDir(async (dir) => {
    fs.writeFileSync(path.join(dir, "state.json"), '{"config":{"Hooks":null}}');
    const fifo = path.join(dir, "exec.fifo");
    makeFifo(fifo);
    await body(dir, fifo);
  });
}

/** What runc's init does once it has the fifo as descriptor 3. */
const WRITES = "printf 0 > /proc/self/fd/3";
/** What one does that never comes so far. */
const HANGS = "exec sleep 1000";

/** A process that has, as runc's init, a descriptor that only names the fifo; the fifo's path is its argument. */
function init(fifo: string, script = WRITES) {
  const named = fs.openSync(fifo, O_PATH);
  const stdio = ["ignore", "ignore", "ignore", named] as const;
  const child = spawn("sh", ["-c", script, "init", fifo], { stdio: [...stdio] });
  fs.closeSync(named);
  children.push(child);
  const { pid } = child;
  assert.ok(pid);
  const exit = new Promise<number | null>((resolve) => child.once("exit", resolve));
  return { child, pid, exit };
}

/** Starts it; whether the runtime was called, which then does what it is told. */
async function start(
  stateDirectory: string,
  waiting: { readonly pid: number; readonly ended?: Promise<unknown> },
  more: { readonly runtime?: (signal?: AbortSignal) => Promise<void>; readonly signal?: AbortSignal } = {},
): Promise<"by itself" | "by itself, late" | "by the runtime"> {
  const { runtime = async () => {}, signal } = more;
  let called = 0;
  const callRuntime = async (stop?: AbortSignal) => {
    called += 1;
    await runtime(stop);
  };
  const went = await startInit({
    stateDirectory,
    init: { pid: waiting.pid, ended: waiting.ended ?? NEVER },
    signal,
    callRuntime,
  });
  if (!went) assert.equal(called, 1);
  return !went ? "by the runtime" : called === 0 ? "by itself" : "by itself, late";
}

function commandOf(pid: number): string {
  return fs.readFileSync(`/proc/${pid}/comm`, "utf8").trim();
}

/** Whether a process sleeps in the open of a fifo, or, where the kernel does not tell, may do so. */
function waitsForOther(pid: number): boolean {
  return /fifo|partner|^0$/.test(fs.readFileSync(`/proc/${pid}/wchan`, "utf8"));
}

describe("an init", () => {
  test("that waits goes on, and its container runs from then on", async () => {
    await withState(async (state, fifo) => {
      const { pid, exit } = init(fifo);
      await until(() => waitsForOther(pid), "an init that waits");
      assert.equal(await start(state, { pid }), "by itself");
      assert.equal(await exit, 0);
      assert.equal(fs.existsSync(fifo), false);
    });
  });

  test("that comes to wait only later goes on then", async () => {
    await withState(async (state, fifo) => {
      const { pid, exit } = init(fifo, `sleep 0.1; ${WRITES}`);
      assert.equal(await start(state, { pid }), "by itself");
      assert.equal(await exit, 0);
    });
  });

  test("that has gone on and ended has gone on all the same", async () => {
    await withState(async (state, fifo) => {
      const { pid } = init(fifo, HANGS);
      const held = fs.openSync(fifo, "r+");
      fs.writeSync(held, "0");
      assert.equal(await start(state, { pid, ended: Promise.resolve() }), "by itself");
      fs.closeSync(held);
    });
  });

  /** An init that comes to write when the runtime has been called for it. */
  const slow = (fifo: string, after: number) =>
    init(fifo, `exec 4>/proc/self/fd/3; sleep ${after}; printf 0 >&4`);

  test("that is only slow finds the fifo open, and has gone on where the runtime waits for what is gone", async () => {
    await withState(async (state, fifo) => {
      const { pid, exit } = slow(fifo, 1.3);
      let ended = false;
      const runtime = async (signal?: AbortSignal) => {
        await new Promise((resolve) => signal?.addEventListener("abort", resolve));
        await sleep(20);
        ended = true;
        throw new Error("it was killed");
      };
      assert.equal(await start(state, { pid }, { runtime }), "by itself, late");
      assert.ok(ended, "the call was left alone");
      assert.equal(await exit, 0);
      assert.equal(fs.existsSync(fifo), false);
    });
  });

  test("that is only slow has gone on also where the runtime fails over it", async () => {
    await withState(async (state, fifo) => {
      const { pid, exit } = slow(fifo, 1.3);
      const runtime = async () => {
        await exit;
        throw new Error("it is running already");
      };
      assert.equal(await start(state, { pid }, { runtime }), "by itself, late");
    });
  });

  test("that does not go on has the runtime say what is wrong", async () => {
    await withState(async (state, fifo) => {
      const { pid } = init(fifo, HANGS);
      const runtime = () => Promise.reject(new Error("it is frozen"));
      await assert.rejects(start(state, { pid }, { runtime }), /it is frozen/);
      assert.ok(fs.existsSync(fifo));
    });
  });

  const endings: [how: string, ended: () => Promise<unknown>][] = [
    ["has just ended", () => Promise.resolve()],
    ["has ended in an unknown way", () => Promise.reject(new Error("unknown"))],
    ["ends meanwhile", () => sleep(20)],
    ["does not go on", () => NEVER],
  ];
  for (const [how, ended] of endings) {
    test(`that ${how} is the runtime's to tell, and so is its fifo`, async () => {
      await withState(async (state, fifo) => {
        const { pid } = init(fifo, HANGS);
        assert.equal(await start(state, { pid, ended: ended() }), "by the runtime");
        assert.ok(fs.existsSync(fifo));
      });
    });
  }

  test("that the runtime does not start is its error", async () => {
    await withState(async (state, fifo) => {
      const { pid } = init(fifo, HANGS);
      const refused = new StatusError(StatusCode.failedPrecondition, "no");
      const runtime = () => Promise.reject(refused);
      await assert.rejects(start(state, { pid, ended: Promise.resolve() }, { runtime }), refused);
    });
  });

  test("is waited for no longer when the caller turns away", async () => {
    await withState(async (state, fifo) => {
      const { pid } = init(fifo, HANGS);
      const reason = new StatusError(StatusCode.cancelled, "away");
      const signal = AbortSignal.abort(reason);
      await assert.rejects(start(state, { pid }, { signal }), status(StatusCode.cancelled, /^away$/));
    });
  });
});

test("more inits than there are threads may be waited for at once", async () => {
  await withState(async (state, fifo) => {
    const { pid } = init(fifo, HANGS);
    const all = Array.from({ length: 100 }, () => start(state, { pid }));
    const other = new Promise((resolve) => fs.stat(fifo, () => resolve("another call")));
    const first = await Promise.race([other, ...all]);
    assert.equal(first, "another call");
    await Promise.all(all);
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
  const states: [what: string, state: string][] = [
    ["there are poststart hooks", '{"config":{"Hooks":{"poststart":[{"path":"/bin/true"}]}}}'],
    ["nobody knows of hooks", '{"id":"x"}'],
    ["hooks have a form that is not known", '{"config":{"Hooks":{"poststart":"/bin/true"}}}'],
    ["the state is no JSON", '{"config":'],
  ];
  for (const [what, text] of states) {
    cases.push([what, (state) => fs.writeFileSync(path.join(state, "state.json"), text)]);
  }
  for (const [what, prepare, script = HANGS] of cases) {
    test(what, async () => {
      await withState(async (state, fifo) => {
        const { child, pid } = init(fifo, script);
        // From here on it has what it will have; before, it was a shell with the fifo's name.
        await until(() => commandOf(pid) === "sleep" || !fs.existsSync(`/proc/${pid}/fd/3`), "the init");
        prepare(state, fifo);
        const list = () => (fs.existsSync(state) ? fs.readdirSync(state) : []);
        const before = list();
        // Who waits for it hears of this.
        const signal = AbortSignal.abort();
        assert.equal(await start(state, { pid }, { signal }), "by the runtime");
        assert.deepEqual(list(), before);
        // One that had been let go would have ended by now.
        await sleep(50);
        assert.deepEqual([child.exitCode, child.signalCode], [null, null]);
      });
    });
  }

  test("there is no such process", async () => {
    await withState(async (state, fifo) => {
      const { child, pid, exit } = init(fifo, HANGS);
      child.kill("SIGKILL");
      await exit;
      assert.equal(await start(state, { pid }), "by the runtime");
    });
  });
});

test("hooks of other kinds are none of a start's", async () => {
  await withState(async (state, fifo) => {
    const hooks = { prestart: [{ path: "/bin/true" }], poststart: [], poststop: [{ path: "/bin/true" }] };
    fs.writeFileSync(path.join(state, "state.json"), JSON.stringify({ config: { Hooks: hooks } }));
    const { pid } = init(fifo);
    assert.equal(await start(state, { pid }), "by itself");
  });
});

test("no descriptor stays open, whatever the end", async () => {
  await withState(async (state, fifo) => {
    const { pid } = init(fifo, HANGS);
    const attempt = (more: { signal?: AbortSignal }) =>
      start(state, { pid, ended: Promise.resolve() }, more).catch(() => {});
    await attempt({});
    const before = countOpenFiles();
    for (let i = 0; i < 20; i += 1) {
      await attempt({});
      await attempt({ signal: AbortSignal.abort() });
    }
    assert.equal(countOpenFiles(), before);
  });
});

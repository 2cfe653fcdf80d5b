import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { settledLeftovers, snapshotLeftovers } from "../../lab/leftovers.ts";
import { CONTROL, RUNTIMES, type Runtime } from "./runtimes.ts";
import { runArgs, type Scene, startScene, withContainer } from "./scene.ts";
import { Terminal } from "./terminal.ts";

const SMALL = { columns: 91, rows: 31 };
const LARGE = { columns: 132, rows: 43 };
/** The key that ends what runs in the foreground, by the signal 2. */
const CONTROL_C = "\x03";
/** Does what is typed, and says how large its terminal is whenever it is told of a new size. */
const SIZES = "trap 'stty size' WINCH; echo ready; while :; do read line && eval \"$line\"; done";

describe("a terminal", () => {
  let scene: Scene;
  before(async () => {
    if (CONTROL.skip === false) scene = await startScene();
  });
  after(() => scene?.dispose());

  async function at(args: readonly string[], body: (terminal: Terminal) => Promise<void>): Promise<void> {
    const terminal = new Terminal("ctr", scene.containerd.ctrArgs(args), SMALL);
    try {
      await body(terminal);
    } finally {
      terminal.close();
    }
  }

  /** Its size arrives in the container, first and with each change, and so do its keys. */
  async function use(terminal: Terminal): Promise<void> {
    await terminal.waitFor(/ready\n/);
    // `ctr` sets the size once the program runs; a terminal has none before.
    terminal.type("tty; until stty size 2>/dev/null; do usleep 10000; done\n");
    await terminal.waitFor(/\/dev\/(pts\/\d+|console)\n31 91\n/);
    // Nothing is typed: the signal alone has the size printed.
    terminal.resize(LARGE);
    await terminal.waitFor(/43 132\n/);
    terminal.type("echo large; stty size\n");
    await terminal.waitFor(/large\n43 132\n/);
    terminal.resize(SMALL);
    await terminal.waitFor(/43 132\n31 91\n/);
    terminal.type("sh -c 'echo asleep; exec sleep 1000'\n");
    await terminal.waitFor(/asleep\n/);
    terminal.type(CONTROL_C);
    assert.equal(await terminal.exitCode(), 130, terminal.shown);
  }

  for (const runtime of RUNTIMES) {
    const { skip } = runtime;
    const prefix = runtime.ours ? "ebb-terminal" : "go-terminal";
    describe(`with ${runtime.name}`, () => {
      test("of ctr run -t is the container's, size and keys included", { skip }, async () => {
        const id = `${prefix}-run`;
        const scope = scene.containerd.scope([id]);
        const clean = snapshotLeftovers(scope);
        await at(runArgs(runtime, ["-t", "--rm"], id, "sh", "-c", SIZES), use);
        assert.deepEqual(await settledLeftovers(scope, clean), []);
      });

      test("of ctr task exec -t is the process's, size and keys included", { skip }, () =>
        withContainer(scene, { runtime, id: `${prefix}-exec` }, () =>
          at(execArgs(runtime, "-t", "sh", "-c", SIZES), use),
        ),
      );
    });
  }

  function execArgs({ ours }: Runtime, ...args: string[]): string[] {
    const [flag = "", ...program] = args;
    const id = ours ? "ebb-terminal-exec" : "go-terminal-exec";
    return ["task", "exec", flag, "--exec-id", "shell", id, ...program];
  }
});

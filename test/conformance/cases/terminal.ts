import assert from "node:assert/strict";
import type { Bench } from "../bench.ts";
import { about, type ConformanceCase } from "../case.ts";
import { Streams } from "../streams.ts";
import type { TestContainer } from "../test-container.ts";

/** Runs a program at a terminal, as init or as an added process. */
type Runner = (bench: Bench, script: string) => Promise<{ container: TestContainer; streams: Streams }>;

async function init(bench: Bench, script: string) {
  const streams = await Streams.open(bench, "t", { stdin: true, terminal: true });
  const container = await bench.running({
    args: ["sh", "-c", script],
    request: streams.request,
    edit: (spec) => {
      spec.process.terminal = true;
    },
  });
  return { container, streams };
}

async function exec(bench: Bench, script: string) {
  const streams = await Streams.open(bench, "t", { stdin: true, terminal: true });
  const container = await bench.running();
  await container.execStarted("e1", { args: ["sh", "-c", script], ...streams.request });
  return { container, streams };
}

const RUNNERS: Readonly<Record<string, { readonly execId: string; readonly run: Runner }>> = {
  "an init": { execId: "", run: init },
  "a process": { execId: "e1", run: exec },
};

const ALIKE: readonly [string, (bench: Bench, run: Runner, execId: string) => Promise<void>][] = [
  [
    "has a terminal for all three streams",
    async (bench, run, execId) => {
      const { container, streams } = await run(bench, "test -t 0 && test -t 1 && test -t 2 && echo all >&2");
      const { id, task } = container;
      assert.equal((await task.wait({ id, execId })).exitStatus, 0);
      await streams.until("all\r\n");
      assert.equal((await task.state({ id, execId })).terminal, true);
    },
  ],
  [
    "sees the size that ResizePty sets, whenever it is set",
    async (bench, run, execId) => {
      const { container, streams } = await run(bench, "while read line; do stty size; done");
      const { id, task } = container;
      for (const [width, height] of [
        [100, 40],
        [61, 7],
      ]) {
        await task.resizePty({ id, execId, width: width ?? 0, height: height ?? 0 });
        await streams.write("\n");
        await streams.until(`${height} ${width}\r\n`);
      }
    },
  ],
  [
    "gets what is typed, and echoes it",
    async (bench, run, execId) => {
      const { container, streams } = await run(bench, "read line; echo got $line; exit 4");
      const { id, task } = container;
      await streams.write("hello\n");
      await streams.until("hello\r\ngot hello\r\n");
      assert.equal((await task.wait({ id, execId })).exitStatus, 4);
    },
  ],
  [
    "is interrupted by Ctrl-C",
    async (bench, run, execId) => {
      const { container, streams } = await run(
        bench,
        "trap 'exit 11' INT; echo ready; while :; do sleep 0.05; done",
      );
      const { id, task } = container;
      await streams.until("ready");
      await streams.write("\x03");
      assert.equal((await task.wait({ id, execId })).exitStatus, 11);
    },
  ],
  [
    "sees the end of its input by Ctrl-D",
    async (bench, run, execId) => {
      const { container, streams } = await run(bench, "cat; exit 5");
      const { id, task } = container;
      await streams.write("x\n\x04");
      assert.equal((await task.wait({ id, execId })).exitStatus, 5);
    },
  ],
  [
    "has all its output passed on before its pipe is closed",
    async (bench, run, execId) => {
      const { container, streams } = await run(
        bench,
        "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done",
      );
      const { id, task } = container;
      await task.wait({ id, execId });
      await task.delete({ id, execId });
      await streams.ended();
      assert.equal(streams.stdout.split("\r\n").length, 3001);
    },
  ],
  [
    "may have its stdin closed",
    async (bench, run, execId) => {
      const { container, streams } = await run(bench, "echo ready; read line; echo $line; sleep 1000");
      const { id, task } = container;
      await streams.until("ready");
      await streams.write("typed\n");
      await streams.until("typed\r\ntyped\r\n");
      streams.closeStdin();
      await task.closeIO({ id, execId, stdin: true });
    },
  ],
];

const alike = Object.entries(RUNNERS).flatMap(([who, { execId, run }]) =>
  ALIKE.map(
    ([what, work]): ConformanceCase => ({ name: `${who} ${what}`, run: (bench) => work(bench, run, execId) }),
  ),
);

const others: ConformanceCase[] = [
  {
    name: "a terminal can be resized before its container is started",
    async run(bench) {
      const streams = await Streams.open(bench, "t", { stdin: true, terminal: true });
      const { id, task } = await bench.created({
        args: ["stty", "size"],
        request: streams.request,
        edit: (spec) => {
          spec.process.terminal = true;
        },
      });
      await task.resizePty({ id, width: 77, height: 33 });
      await task.start({ id });
      await streams.until("33 77\r\n");
    },
  },
  {
    name: "a process at a terminal that cannot be started leaves the container unharmed",
    async run(bench) {
      const container = await bench.running();
      const streams = await Streams.open(bench, "t", { stdin: true, terminal: true });
      await assert.rejects(container.execStarted("e1", { args: ["/bin/nowhere"], ...streams.request }));
      assert.equal(await container.execEnded("e2", { args: ["sh", "-c", "exit 2"] }), 2);
    },
  },
];

export const terminalCases = about("terminal", [...alike, ...others]);

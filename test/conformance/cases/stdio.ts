import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { until } from "../../../lab/until.ts";
import { sleep } from "../../../src/base/deadline.ts";
import type { Bench } from "../bench.ts";
import { about, type ConformanceCase } from "../case.ts";
import { stateName } from "../expect.ts";
import { Streams } from "../streams.ts";
import type { TestContainer } from "../test-container.ts";

const BOTH = ["sh", "-c", "echo to stdout; echo to stderr >&2"];
/** More than a pipe holds. */
const MUCH = 4 << 20;
/** How late a reader is, in milliseconds. */
const LATE_MS = 200;

/** Runs a program with such streams, as init or as an added process; the streams name which. */
type Runner = (bench: Bench, args: readonly string[], streams: Streams["request"]) => Promise<TestContainer>;

const RUNNERS: Readonly<Record<string, { execId: string; run: Runner }>> = {
  "an init": { execId: "", run: (bench, args, request) => bench.running({ args, request }) },
  "a process": {
    execId: "e1",
    run: async (bench, args, request) => {
      const container = await bench.running();
      await container.execStarted("e1", { args, ...request });
      return container;
    },
  },
};

/** What holds for init and for an added process alike. */
const ALIKE: readonly [string, (bench: Bench, run: Runner, execId: string) => Promise<void>][] = [
  [
    "has its output in the two pipes, whole when Wait answers and its writers are gone",
    async (bench, run, execId) => {
      const streams = await Streams.open(bench, "s");
      const { id, task } = await run(bench, BOTH, streams.request);
      await task.wait({ id, execId });
      await task.delete({ id, execId });
      await streams.ended();
      assert.deepEqual([streams.stdout, streams.stderr], ["to stdout\n", "to stderr\n"]);
    },
  ],
  [
    "writes more than a pipe holds, and all of it comes",
    async (bench, run, execId) => {
      const streams = await Streams.open(bench, "s");
      const program = ["sh", "-c", `dd if=/dev/zero bs=64k count=${MUCH >> 16} | tr '\\0' x`];
      const { id, task } = await run(bench, program, streams.request);
      assert.equal((await task.wait({ id, execId })).exitStatus, 0);
      await task.delete({ id, execId });
      await streams.ended();
      assert.equal(streams.stdout.length, MUCH);
    },
  ],
  [
    "reads its stdin until CloseIO",
    async (bench, run, execId) => {
      const streams = await Streams.open(bench, "s", { stdin: true });
      const { id, task } = await run(bench, ["cat"], streams.request);
      await streams.write("one\n");
      await streams.until("one\n");
      await streams.write("two\n");
      streams.closeStdin();
      await streams.until("two\n");
      assert.equal(stateName((await task.state({ id, execId })).status), "running");
      await task.closeIO({ id, execId, stdin: true });
      assert.equal((await task.wait({ id, execId })).exitStatus, 0);
    },
  ],
  [
    "has nothing to read without a stdin",
    async (bench, run, execId) => {
      const streams = await Streams.open(bench, "s");
      const { id, task } = await run(bench, ["sh", "-c", "cat; echo end"], streams.request);
      await task.wait({ id, execId });
      await streams.until("end\n");
      assert.equal(streams.stdout, "end\n");
    },
  ],
  [
    "writes on when its reader has gone and another comes",
    async (bench, run, execId) => {
      const streams = await Streams.open(bench, "s", { stdin: true });
      const { id, task } = await run(bench, ["cat"], streams.request);
      await streams.write("before\n");
      await streams.until("before\n");
      streams.leave();
      await streams.write("between\n");
      streams.read();
      await streams.write("after\n");
      await streams.until("between\nafter\n");
      await task.kill({ id, execId, signal: 9 });
    },
  ],
  [
    "can be asked about and killed while its reader reads nothing",
    async (bench, run, execId) => {
      const streams = await Streams.open(bench, "s");
      const { id, task } = await run(bench, ["yes"], streams.request);
      await streams.until("y\ny\n");
      streams.leave();
      streams.hold();
      assert.equal(stateName((await task.state({ id, execId })).status), "running");
      await task.kill({ id, execId, signal: 9 });
      assert.equal((await task.wait({ id, execId })).exitStatus, 137);
      streams.read();
    },
  ],
  [
    "has its output in a file, by file://",
    async (bench, run, execId) => {
      const file = path.join(bench.dir, "logs/both");
      mkdirSync(path.dirname(file));
      const uri = `file://${file}`;
      const { id, task } = await run(bench, ["echo", "hello"], {
        stdin: "",
        stdout: uri,
        stderr: uri,
        terminal: false,
      });
      await task.wait({ id, execId });
      await task.delete({ id, execId });
      assert.equal(readFileSync(file, "utf8"), "hello\n");
    },
  ],
  [
    "has its output handed to a logger, by binary://",
    async (bench, run, execId) => {
      const logger = makeLogger(bench);
      const uri = `binary://${logger.file}?key=value`;
      const { id, task } = await run(bench, BOTH, { stdin: "", stdout: uri, stderr: uri, terminal: false });
      await task.wait({ id, execId });
      await task.delete({ id, execId });
      assert.equal(await logger.read("out", "to stdout\n"), "to stdout\n");
      assert.equal(await logger.read("err", "to stderr\n"), "to stderr\n");
      assert.equal(await logger.read("args", "value\n"), "key\nvalue\n");
      const env = await logger.read("env", "CONTAINER_ID");
      assert.ok(env.includes(`CONTAINER_ID=${execId === "" ? id : execId}\n`), env);
      assert.ok(env.includes(`CONTAINER_NAMESPACE=${bench.namespace}\n`), env);
    },
  ],
  [
    "runs without any streams",
    async (bench, run, execId) => {
      const { id, task } = await run(bench, ["sh", "-c", "echo lost; cat; exit 3"], NONE);
      assert.equal((await task.wait({ id, execId })).exitStatus, 3);
    },
  ],
  [
    "has its streams in its State",
    async (bench, run, execId) => {
      const streams = await Streams.open(bench, "s", { stdin: true });
      const { id, task } = await run(bench, ["sleep", "1000"], streams.request);
      const { stdin, stdout, stderr, terminal } = await task.state({ id, execId });
      assert.deepEqual({ stdin, stdout, stderr, terminal }, streams.request);
    },
  ],
];

const NONE = { stdin: "", stdout: "", stderr: "", terminal: false };

/** A logger as containerd describes it: outputs on descriptors 3 and 4, ready once it has closed 5. */
function makeLogger(bench: Bench) {
  const dir = path.join(bench.dir, "logger");
  mkdirSync(dir);
  const file = path.join(dir, "logger");
  const lines = [
    "#!/bin/sh",
    `env >${dir}/env; printf '%s\\n' "$@" >${dir}/args`,
    "exec 5>&-",
    `cat <&3 >${dir}/out & cat <&4 >${dir}/err; wait`,
  ];
  writeFileSync(file, `${lines.join("\n")}\n`, { mode: 0o755 });
  const read = (name: string, wanted: string) =>
    until(`${wanted} in ${name}`, () => {
      const text = existsSync(path.join(dir, name)) ? readFileSync(path.join(dir, name), "utf8") : "";
      return text.includes(wanted) ? text : undefined;
    });
  return { file, read };
}

const alike = Object.entries(RUNNERS).flatMap(([who, { execId, run }]) =>
  ALIKE.map(
    ([what, work]): ConformanceCase => ({ name: `${who} ${what}`, run: (bench) => work(bench, run, execId) }),
  ),
);

const others: ConformanceCase[] = [
  {
    name: "a reader that comes only later loses nothing",
    async run(bench) {
      const streams = await Streams.make(bench, "s");
      const container = await bench.launched({ args: BOTH, request: streams.request });
      const creating = container.create();
      // A shim may wait for the reader, as it may not.
      await sleep(LATE_MS);
      streams.read();
      await creating;
      const { id, task } = container;
      await task.start({ id });
      await task.wait({ id });
      await task.delete({ id });
      await streams.ended();
      assert.equal(streams.stdout, "to stdout\n");
    },
  },
  {
    name: "a child that keeps the pipe open does not keep Wait from answering",
    async run(bench) {
      const container = await bench.running();
      const streams = await Streams.open(bench, "s");
      const { id, task } = container;
      await container.execStarted("e1", { args: ["sh", "-c", "sleep 1000 & exit 3"], ...streams.request });
      assert.equal((await task.wait({ id, execId: "e1" })).exitStatus, 3);
      await container.kill();
    },
  },
  {
    name: "the outputs of two processes are not mixed",
    async run(bench) {
      const container = await bench.running();
      const [a, b] = [await Streams.open(bench, "a"), await Streams.open(bench, "b")];
      await Promise.all([
        container.execEnded("e1", { args: ["echo", "a"], ...a.request }),
        container.execEnded("e2", { args: ["echo", "b"], ...b.request }),
      ]);
      await Promise.all([a.until("a\n"), b.until("b\n")]);
      assert.deepEqual([a.stdout, b.stdout], ["a\n", "b\n"]);
    },
  },
  {
    name: "stdout without stderr is served, or refused at once",
    async run(bench) {
      const streams = await Streams.open(bench, "s", { terminal: true });
      const container = await bench.launched({ args: ["echo", "hello"] });
      const request = { ...streams.request, terminal: false };
      const { id, task } = container;
      const served = await container.create(request).then(
        () => true,
        () => false,
      );
      if (!served) return;
      await task.start({ id });
      await task.wait({ id });
      await streams.until("hello\n");
    },
  },
];

export const stdioCases = about("stdio", [...alike, ...others]);

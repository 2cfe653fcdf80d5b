import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../lab/until.ts";
import { sleep } from "../../src/base/deadline.ts";
import { containerd } from "../../src/proto/index.ts";
import { FifoTap } from "../support/fifo-tap.ts";
import { makeFifo } from "../support/files.ts";
import { untilStalled } from "../support/stalled.ts";
import { processSpec } from "./exec-scene.ts";
import { type CreateOptions, noContainers, Workshop } from "./harness.ts";

const skip = noContainers;
const shop = new Workshop();
const { Status } = containerd.v1.types;
const SIGKILL = 9;
/** The request and config.json agree on whether there is a terminal. */
const TERMINAL: CreateOptions = {
  terminal: true,
  edit: (spec) => {
    spec.process.terminal = true;
  },
};

/** A path of a file that belongs to one test. */
function place(id: string, name: string): string {
  const dir = path.join(shop.dir, "streams", id);
  fs.mkdirSync(dir, { recursive: true });
  return path.join(dir, name);
}

/** Fifos for the streams of one process, as the daemon makes them. */
function fifos(id: string) {
  const [stdin = "", stdout = "", stderr = ""] = ["in", "out", "err"].map((name) => place(id, name));
  for (const file of [stdin, stdout, stderr]) makeFifo(file);
  return { stdin, stdout, stderr };
}

/** A logger that is this shell script; its second argument is the directory of the test. */
function logger(id: string, script: string): string {
  const file = place(id, "logger");
  fs.writeFileSync(file, `#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n${script}\n`, { mode: 0o755 });
  return `binary://${file}?dir=${path.dirname(file)}`;
}

const shimOf = async (task: { connect(request: { id: string }): Promise<{ shimPid?: number }> }) =>
  (await task.connect({ id: "" })).shimPid ?? 0;

/** How many bytes the threads of a process have read, whatever from; its own file has its late children's, too. */
function readBy(pid: number): number {
  const threads = fs.readdirSync(`/proc/${pid}/task`);
  const counts = threads.map((tid) => fs.readFileSync(`/proc/${pid}/task/${tid}/io`, "utf8"));
  return counts.reduce((sum, text) => sum + Number(/rchar: (\d+)/.exec(text)?.[1]), 0);
}

/** How many descriptors of a process are of its containers' streams. */
function streamsIn(pid: number): number {
  const targets = fs.readdirSync(`/proc/${pid}/fd`).map((fd) => targetOf(`/proc/${pid}/fd/${fd}`));
  return targets.filter((target) => /ptmx|pts|\/streams\/|^pipe:/.test(target)).length;
}

/** What a link leads to; nothing where it has gone meanwhile. */
function targetOf(link: string): string {
  try {
    return fs.readlinkSync(link);
  } catch {
    return "";
  }
}

describe("a container with a terminal", () => {
  test("has the size that ResizePty sets", { skip }, async () => {
    const { stdin, stdout } = fifos("size");
    const tap = new FifoTap(stdout);
    const args = ["sh", "-c", "read line; stty size"];
    const { task } = await shop.create("size", { args, ...TERMINAL, stdin, stdout });
    await task.start({ id: "size" });
    await task.resizePty({ id: "size", width: 132, height: 43 });
    const typing = fs.openSync(stdin, "w");
    fs.writeSync(typing, "go\n");
    assert.equal(await tap.toEnd(), "go\r\n43 132\r\n");
    fs.closeSync(typing);
    await task.delete({ id: "size" });
  });

  test("begins with the size that was set before its start", { skip }, async () => {
    const { stdout } = fifos("early-size");
    const tap = new FifoTap(stdout);
    const args = ["stty", "size"];
    const { task } = await shop.create("early-size", { args, ...TERMINAL, stdout });
    await task.resizePty({ id: "early-size", width: 80, height: 25 });
    await task.start({ id: "early-size" });
    assert.equal(await tap.toEnd(), "25 80\r\n");
    await task.delete({ id: "early-size" });
  });

  test("is heard to its last byte, also by a reader that takes its time", { skip }, async () => {
    const { stdout } = fifos("last");
    const tap = new FifoTap(stdout);
    const args = ["sh", "-c", "stty raw; head -c 1000000 /dev/zero | tr '\\0' x; printf END"];
    const { task } = await shop.create("last", { args, ...TERMINAL, stdout });
    await task.start({ id: "last" });
    // A reader that stalls holds up its container, and nothing else.
    assert.equal((await task.state({ id: "last" })).status, Status.RUNNING);
    const text = await tap.toEnd();
    assert.deepEqual([text.length, text.slice(-5)], [1_000_003, "xxEND"]);
    assert.equal((await task.wait({ id: "last" })).exitStatus, 0);
    await task.delete({ id: "last" });
  });

  test("reads the end of its input after CloseIO, and what it says then is heard", { skip }, async () => {
    const { stdin, stdout } = fifos("end");
    const tap = new FifoTap(stdout);
    const args = ["sh", "-c", "stty -echo; cat; echo bye"];
    const { task } = await shop.create("end", { args, ...TERMINAL, stdin, stdout });
    await task.start({ id: "end" });
    for (const line of ["one\n", "two\n"]) {
      // A client that comes and goes does not end it.
      fs.writeFileSync(stdin, line);
    }
    void tap.toEnd();
    await until("the lines", () => (tap.read.endsWith("two\r\n") ? true : undefined));
    await task.closeIO({ id: "end", stdin: true });
    assert.equal((await tap.toEnd()).slice(-5), "bye\r\n");
    assert.equal((await task.wait({ id: "end" })).exitStatus, 0);
    await task.delete({ id: "end" });
  });

  test("whose reader stalls is killed, waited for and deleted all the same", { skip }, async () => {
    const { stdout } = fifos("stalled");
    const tap = new FifoTap(stdout);
    const { task, pid } = await shop.create(
      "stalled",
      { args: ["yes"], ...TERMINAL, stdout },
      { EBB_DRAIN_MS: "200" },
    );
    const shim = await shimOf(task);
    await task.start({ id: "stalled" });
    await untilStalled(pid);
    await task.kill({ id: "stalled", signal: SIGKILL });
    assert.equal((await task.wait({ id: "stalled" })).exitStatus, 137);
    assert.equal((await task.delete({ id: "stalled" })).exitStatus, 137);
    assert.ok((await tap.toEnd()).startsWith("y\r\n"));
    await until("no stream in the shim", () => (streamsIn(shim) === 0 ? true : undefined));
  });

  test("whose reader comes long after its end has all of its output", { skip }, async () => {
    const { stdout } = fifos("late");
    const tap = new FifoTap(stdout);
    const { task, pid } = await shop.create(
      "late",
      { args: ["yes"], ...TERMINAL, stdout },
      { EBB_DRAIN_MS: "100" },
    );
    await task.start({ id: "late" });
    const wrote = await untilStalled(pid);
    await task.kill({ id: "late", signal: SIGKILL });
    await task.wait({ id: "late" });
    await sleep(500);
    const text = await tap.toEnd();
    // The terminal makes `y\r\n` of each `y\n`, and a little was written by the runtime before.
    assert.ok(text.length >= 1.5 * (wrote - 1_000), `${text.length} bytes of ${wrote} and a half more`);
    await task.delete({ id: "late" });
  });

  test("leaves the shim with none of its descriptors, and no socket", { skip }, async () => {
    const { stdin, stdout } = fifos("counted");
    const tap = new FifoTap(stdout);
    const { task } = await shop.create("counted", { args: ["true"], ...TERMINAL, stdin, stdout });
    const shim = await shimOf(task);
    assert.ok(streamsIn(shim) > 0);
    await task.start({ id: "counted" });
    await tap.toEnd();
    await task.delete({ id: "counted" });
    await until("no stream in the shim", () => (streamsIn(shim) === 0 ? true : undefined));
    assert.deepEqual(fs.readdirSync(path.join(shop.dir, "run", "consoles")), []);
  });
});

describe("an exec whose child keeps its output open", () => {
  for (const terminal of [false, true]) {
    const id = terminal ? "child-terminal" : "child-fifo";
    const what = terminal ? "terminal" : "fifo";
    test(`(a ${what}) ends for whoever waits for it, deletes it or reads`, { skip }, async () => {
      // A fifo's may have something to say still, and is waited for. A terminal's is not.
      const { task } = await shop.create(id, {}, { EBB_DRAIN_MS: terminal ? "120000" : "200" });
      await task.start({ id });
      const { stdout } = fifos(id);
      const tap = new FifoTap(stdout);
      const script = "setsid sh -c '>/up; exec sleep 1000' & until test -e /up; do :; done; echo done";
      const spec = processSpec(["sh", "-c", script], { terminal });
      const exec = { id, execId: "e" };
      await task.exec({ ...exec, terminal, stdout, spec });
      await task.start(exec);
      assert.equal((await task.wait(exec)).exitStatus, 0);
      assert.equal((await task.delete(exec)).exitStatus, 0);
      assert.equal(await tap.toEnd(), terminal ? "done\r\n" : "done\n");
      assert.equal((await task.pids({ id })).processes?.length, 2);
      const shim = await shimOf(task);
      await task.kill({ id, signal: SIGKILL, all: true });
      await task.wait({ id });
      await task.delete({ id });
      await until("no stream in the shim", () => (streamsIn(shim) === 0 ? true : undefined));
    });
  }
});

describe("a container without a terminal", () => {
  test("writes 100 MiB to its fifo without the shim reading any of it", { skip }, async () => {
    const { stdout } = fifos("much");
    const size = 100 << 20;
    const tap = new FifoTap(stdout);
    const args = ["head", "-c", String(size), "/dev/zero"];
    const { task } = await shop.create("much", { args, stdout }, { EBB_STDIO: "direct" });
    const shim = await shimOf(task);
    const before = readBy(shim);
    await task.start({ id: "much" });
    assert.equal((await tap.toEnd()).length, size);
    assert.equal((await task.wait({ id: "much" })).exitStatus, 0);
    assert.ok(readBy(shim) - before < 1 << 20);
    await task.delete({ id: "much" });
  });

  test("whose streams are relayed has all of them, and leaves none with the shim", { skip }, async () => {
    const { stdin, stdout, stderr } = fifos("relayed");
    const [out, err] = [new FifoTap(stdout), new FifoTap(stderr)];
    const args = ["sh", "-c", "cat; echo oops >&2; head -c 1000000 /dev/zero; echo END"];
    const options = { args, stdin, stdout, stderr };
    const { task } = await shop.create("relayed", options, { EBB_STDIO: "relayed" });
    const shim = await shimOf(task);
    await task.start({ id: "relayed" });
    fs.writeFileSync(stdin, "typed\n");
    await task.closeIO({ id: "relayed", stdin: true });
    const text = await out.toEnd();
    assert.deepEqual([text.slice(0, 6), text.slice(-4), text.length], ["typed\n", "END\n", 1_000_010]);
    assert.equal(await err.toEnd(), "oops\n");
    assert.equal((await task.wait({ id: "relayed" })).exitStatus, 0);
    await task.delete({ id: "relayed" });
    await until("no stream in the shim", () => (streamsIn(shim) === 0 ? true : undefined));
  });

  test("writes both its outputs to a file, after what is there", { skip }, async () => {
    const file = place("file", "new/log");
    const uri = `file://${file}`;
    const args = ["sh", "-c", "echo out; echo err >&2"];
    for (const id of ["file-1", "file-2"]) {
      const { task } = await shop.create(id, { args, stdout: uri, stderr: uri });
      await task.start({ id });
      await task.wait({ id });
      await task.delete({ id });
    }
    assert.equal(fs.readFileSync(file, "utf8"), "out\nerr\nout\nerr\n");
  });

  test("reads a plain file, and writes to one that is there", { skip }, async () => {
    const [stdin, stdout] = [place("plain", "in"), place("plain", "out")];
    fs.writeFileSync(stdin, "read");
    fs.writeFileSync(stdout, "before, ");
    const { task } = await shop.create("plain", { args: ["cat"], stdin, stdout, stderr: "/dev/null" });
    await task.start({ id: "plain" });
    assert.equal((await task.wait({ id: "plain" })).exitStatus, 0);
    await task.delete({ id: "plain" });
    assert.equal(fs.readFileSync(stdout, "utf8"), "before, read");
  });

  test("of a user may open its output anew, and neither empties its file nor comes to own it", {
    skip,
  }, async () => {
    const file = place("file-user", "log");
    fs.writeFileSync(file, "before\n");
    const stdout = `file://${file}`;
    const args = ["sh", "-c", "echo first; echo more > /dev/stderr; echo last > /dev/stdout"];
    const edit: CreateOptions["edit"] = (spec) => {
      spec.process.user = { uid: 1000, gid: 1000 };
    };
    const { task } = await shop.create("file-user", { args, stdout, edit });
    await task.start({ id: "file-user" });
    assert.equal((await task.wait({ id: "file-user" })).exitStatus, 0);
    await task.delete({ id: "file-user" });
    assert.equal(fs.readFileSync(file, "utf8"), "before\nfirst\nmore\nlast\n");
    assert.equal(fs.statSync(file).uid, process.getuid?.());
  });

  test("has its output with the logger when Delete answers", { skip }, async () => {
    const stdout = logger(
      "logger",
      'env | grep CONTAINER_ | sort > "$2/env"; exec 5>&-; cat <&3 > "$2/3" & cat <&4 > "$2/4" & wait; echo end >> "$2/3"',
    );
    const args = ["sh", "-c", "echo out; echo err >&2"];
    const { task } = await shop.create("logger", { args, stdout });
    await task.start({ id: "logger" });
    await task.wait({ id: "logger" });
    await task.delete({ id: "logger" });
    const read = (name: string) => fs.readFileSync(place("logger", name), "utf8");
    assert.deepEqual([read("3"), read("4")], ["out\nend\n", "err\n"]);
    assert.match(read("env"), /^CONTAINER_ID=logger\nCONTAINER_NAMESPACE=ebb-shim-test-\d+\n$/);
  });

  test("outlives a logger that dies", { skip }, async () => {
    const stdout = logger("dying", "exec 5>&-");
    // More than a pipe holds.
    const args = ["sh", "-c", "read go; head -c 1000000 /dev/zero; exit 7"];
    const { stdin } = fifos("dying");
    const { task } = await shop.create("dying", { args, stdin, stdout });
    await task.start({ id: "dying" });
    fs.writeFileSync(stdin, "go\n");
    assert.equal((await task.wait({ id: "dying" })).exitStatus, 7);
    await task.delete({ id: "dying" });
  });

  test("is deleted though its logger never ends, which is killed", { skip }, async () => {
    const stdout = logger(
      "endless",
      'trap "" TERM; echo $$ > "$2/pid"; exec 5>&-; while :; do sleep 1; done',
    );
    const env = { EBB_DRAIN_MS: "100", EBB_LOGGER_STOP_MS: "100" };
    const { task } = await shop.create("endless", { args: ["true"], stdout }, env);
    await task.start({ id: "endless" });
    await task.wait({ id: "endless" });
    const pid = fs.readFileSync(place("endless", "pid"), "utf8").trim();
    assert.ok(fs.existsSync(`/proc/${pid}`));
    await task.delete({ id: "endless" });
    assert.ok(!fs.existsSync(`/proc/${pid}`));
  });
});

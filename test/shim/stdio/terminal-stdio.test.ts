import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import { sleep } from "../../../src/base/deadline.ts";
import { StatusCode } from "../../../src/base/status.ts";
import { openStdio } from "../../../src/shim/stdio/open-stdio.ts";
import type { ProcessStdio } from "../../../src/shim/stdio/stdio.ts";
import { FifoTap } from "../../support/fifo-tap.ts";
import { openPty, sendDescriptors } from "../../support/pty.ts";
import { untilStalled } from "../../support/stalled.ts";
import { status } from "../../support/status.ts";
import { withStdio } from "../stdio-scene.ts";

/** Makes a terminal and hands it over, as a runtime does; the process's end of it. */
async function handOver(stdio: ProcessStdio): Promise<number> {
  const { master, terminal } = openPty();
  spawnSync("stty", ["-echo", "-onlcr"], { stdio: [terminal, "inherit", "inherit"] });
  sendDescriptors(stdio.consoleSocket ?? "", [master]);
  fs.closeSync(master);
  await stdio.handedOver();
  return terminal;
}

/** Runs a shell script on a terminal, which is closed here; resolves when it has ended. */
function runOn(terminal: number, script: string): Promise<number | null> {
  const child = spawn("sh", ["-c", script], { stdio: [terminal, terminal, terminal] });
  fs.closeSync(terminal);
  return new Promise((resolve) => child.once("exit", resolve));
}

/** Runs what says `said` and leaves a child that says `y` as often as it can, and ends with the terminal. */
async function leaveYes(dir: string, terminal: number): Promise<void> {
  const child = path.join(dir, "child");
  await runOn(terminal, `trap "" HUP; echo said; yes & echo $! > ${child}`);
  await untilStalled(Number(fs.readFileSync(child, "utf8")));
}

/** Runs what says `y` until nobody takes it, and kills it; how many bytes it has written. */
async function killStalled(terminal: number): Promise<number> {
  const child = spawn("yes", { stdio: [terminal, terminal, terminal] });
  fs.closeSync(terminal);
  const wrote = await untilStalled(child.pid ?? 0);
  child.kill("SIGKILL");
  await once(child, "exit");
  return wrote;
}

describe("a terminal", () => {
  test("passes on what is typed and what is said, to the last byte", () =>
    withStdio({}, async ({ open, fifo }) => {
      const [stdin, stdout] = [fifo("in"), fifo("out")];
      const tap = new FifoTap(stdout);
      const stdio = await open({ stdin, stdout, terminal: true });
      assert.deepEqual(stdio.childFds, ["ignore", "ignore", "ignore"]);
      const exited = runOn(
        await handOver(stdio),
        'read a; read b; echo "$a, $b"; head -c 200000 /dev/zero; echo END',
      );
      fs.writeFileSync(stdin, "one\n");
      fs.writeFileSync(stdin, "two\n");
      void tap.toEnd();
      assert.equal(await exited, 0);
      await stdio.drained();
      const text = await tap.toEnd();
      assert.deepEqual([text.slice(0, 9), text.slice(-4), text.length], ["one, two\n", "END\n", 200_013]);
      await stdio.close();
      await stdio.close();
    }));

  test("has the size that was set last, also before it was there, and takes none once it is closed", () =>
    withStdio({}, async ({ open }) => {
      const stdio = await open({ terminal: true });
      stdio.resize(10, 20);
      const terminal = await handOver(stdio);
      const size = () => String(spawnSync("stty", ["size"], { stdio: [terminal, "pipe", "inherit"] }).stdout);
      assert.equal(size(), "20 10\n");
      stdio.resize(30, 40);
      assert.equal(size(), "40 30\n");
      fs.closeSync(terminal);
      await stdio.close();
      stdio.resize(50, 60);
    }));

  test("whose output goes nowhere does not hold up who writes to it", () =>
    withStdio({}, async ({ open }) => {
      const stdio = await open({ terminal: true });
      assert.equal(await runOn(await handOver(stdio), "head -c 500000 /dev/zero"), 0);
      await stdio.drained();
      await stdio.close();
    }));

  test("does not end while its process lives, also where nobody has it open for a while", () =>
    withStdio({}, async ({ open, fifo }) => {
      const stdout = fifo("out");
      const tap = new FifoTap(stdout);
      const stdio = await open({ stdout, terminal: true });
      const terminal = await handOver(stdio);
      const name = fs.readlinkSync(`/proc/self/fd/${terminal}`);
      void tap.toEnd();
      for (const text of ["one ", "two"]) {
        fs.writeFileSync(name, text);
        if (text === "one ") fs.closeSync(terminal);
        await until(`"${text}"`, () => (tap.read.endsWith(text) ? true : undefined));
      }
      await stdio.drained();
      assert.equal(await tap.toEnd(), "one two");
      await stdio.close();
    }));

  test("types the end of input after CloseIO, once the writers are gone", () =>
    withStdio({}, async ({ open, fifo }) => {
      const [stdin, stdout] = [fifo("in"), fifo("out")];
      const tap = new FifoTap(stdout);
      const stdio = await open({ stdin, stdout, terminal: true });
      const exited = runOn(await handOver(stdio), "cat; echo bye");
      const writer = fs.openSync(stdin, "w");
      stdio.closeStdin();
      fs.writeSync(writer, "last\n");
      fs.closeSync(writer);
      assert.equal(await exited, 0);
      await stdio.drained();
      assert.equal(await tap.toEnd(), "last\nbye\n");
      await stdio.close();
    }));

  test("writes to a file", () =>
    withStdio({}, async ({ dir, open }) => {
      const file = path.join(dir, "log");
      fs.writeFileSync(file, "before\n");
      const stdio = await open({ stdout: `file://${file}`, terminal: true });
      await runOn(await handOver(stdio), "echo said; echo also >&2");
      await stdio.drained();
      assert.equal(fs.readFileSync(file, "utf8"), "before\nsaid\nalso\n");
      await stdio.close();
    }));

  test("is typed what is in a file, and appends to one that is there", () =>
    withStdio({}, async ({ dir, open }) => {
      const [stdin, stdout] = [path.join(dir, "in"), path.join(dir, "log")];
      fs.writeFileSync(stdin, "typed\n");
      fs.writeFileSync(stdout, "before\n");
      const stdio = await open({ stdin, stdout, terminal: true });
      await runOn(await handOver(stdio), "cat; echo bye");
      await stdio.drained();
      assert.equal(fs.readFileSync(stdout, "utf8"), "before\ntyped\nbye\n");
      await stdio.close();
    }));

  test("writes to a logger, which has it all when it is drained", () =>
    withStdio({}, async ({ dir, open, program }) => {
      const logger = program("logger", 'exec 5>&-; cat <&3 > "$2/3"; cat <&4 >> "$2/3"');
      const stdio = await open({ stdout: `binary://${logger}?dir=${dir}`, terminal: true });
      await runOn(await handOver(stdio), "echo said");
      await stdio.drained();
      assert.equal(fs.readFileSync(path.join(dir, "3"), "utf8"), "said\n");
      await stdio.close();
    }));

  test("goes on where its output cannot be written, which the log says once", { skip: noFull() }, () =>
    withStdio({}, async ({ open, log }) => {
      const stdio = await open({ stdout: "file:///dev/full", terminal: true });
      assert.equal(await runOn(await handOver(stdio), "head -c 500000 /dev/zero"), 0);
      await stdio.drained();
      await stdio.close();
      assert.deepEqual(log.lines, ["error a terminal's output is dropped while it cannot be written"]);
    }),
  );
});

describe("the end of a terminal's output comes with its process's", () => {
  const leave = (dir: string) => `trap "" HUP; sleep 1000 & echo $! > ${dir}/child;`;
  const killChild = (dir: string) =>
    process.kill(Number(fs.readFileSync(path.join(dir, "child"), "utf8")), "SIGKILL");

  test("where a child keeps the terminal open", () =>
    withStdio({}, async ({ dir, open, fifo, log }) => {
      const stdout = fifo("out");
      const tap = new FifoTap(stdout);
      const stdio = await open({ stdout, terminal: true });
      await runOn(await handOver(stdio), `${leave(dir)} echo said`);
      await stdio.drained();
      assert.equal(await tap.toEnd(), "said\n");
      assert.deepEqual(log.lines, []);
      await stdio.close();
      killChild(dir);
    }));

  test("after all that it said, also where its reader comes late", () =>
    withStdio({}, async ({ dir, open, fifo, log }) => {
      // What a terminal and a fifo hold, what is read ahead, and what is none of those.
      for (const bytes of [1, 4_000, 8_000, 30_000, 70_000, 300_000]) {
        const stdout = fifo(`out-${bytes}`);
        const tap = new FifoTap(stdout);
        const stdio = await open({ stdout, terminal: true });
        const exited = runOn(
          await handOver(stdio),
          `${leave(dir)} head -c ${bytes} /dev/zero | tr '\\0' x; printf END`,
        );
        if (bytes > 70_000) void tap.toEnd();
        assert.equal(await exited, 0);
        const drained = stdio.drained();
        const text = await tap.toEnd();
        await drained;
        assert.deepEqual([text.length, text.slice(-4)], [bytes + 3, "xEND"]);
        await stdio.close();
        killChild(dir);
      }
      assert.deepEqual(log.lines, []);
    }));

  test("or at the limit, where a child goes on to write and nobody reads", () =>
    withStdio({ drainMs: 200 }, async ({ dir, open, fifo, log }) => {
      const stdout = fifo("out");
      const tap = new FifoTap(stdout);
      const stdio = await open({ stdout, terminal: true });
      await leaveYes(dir, await handOver(stdio));
      stdio.processEnded();
      await stdio.drained();
      assert.deepEqual(log.lines, ["warn output was not passed on to its end"]);
      assert.match(await tap.toEnd(), /^said\n/);
      await stdio.close();
    }));
});

describe("the end of a terminal's output does not wait for a Delete", () => {
  test("nor loses what its reader has not read by then, however long that takes", () =>
    withStdio({ drainMs: 100 }, async ({ open, fifo, log }) => {
      const stdout = fifo("out");
      const tap = new FifoTap(stdout);
      const stdio = await open({ stdout, terminal: true });
      const wrote = await killStalled(await handOver(stdio));
      stdio.processEnded();
      await sleep(300);
      const text = await tap.toEnd();
      // The write that was under way may have been taken in part.
      assert.ok(text.length >= wrote && /^(y\n)+y?$/.test(text), `${text.length} of ${wrote} bytes`);
      await stdio.drained();
      assert.deepEqual(log.lines, []);
      await stdio.close();
    }));

  test("where a child goes on to write, as fast as it is read", () =>
    withStdio({ drainMs: 600_000 }, async ({ dir, open, fifo, log }) => {
      const stdout = fifo("out");
      const tap = new FifoTap(stdout);
      const stdio = await open({ stdout, terminal: true });
      await leaveYes(dir, await handOver(stdio));
      stdio.processEnded();
      assert.match(await tap.toEnd(), /^said\ny\n/);
      await stdio.drained();
      assert.deepEqual(log.lines, []);
      await stdio.close();
    }));
});

describe("the end of a terminal's output comes at the limit", () => {
  test("where its reader stalls, who reads what was in the fifo then", () =>
    withStdio({ drainMs: 100 }, async ({ open, fifo }) => {
      const stdout = fifo("out");
      const tap = new FifoTap(stdout);
      const stdio = await open({ stdout, terminal: true });
      await killStalled(await handOver(stdio));
      await stdio.drained();
      assert.ok((await tap.toEnd()).startsWith("y\ny\n"));
      await stdio.close();
    }));
});

describe("a runtime that hands over", () => {
  test("nothing is told at the limit, and what is open is closed", () =>
    withStdio({ consoleMs: 50 }, async ({ open, fifo }) => {
      const stdio = await open({ stdin: fifo("in"), stdout: fifo("out"), terminal: true });
      const expected = status(StatusCode.deadlineExceeded, /^the terminal for \S+ took longer than 50 ms$/);
      await assert.rejects(stdio.handedOver(), expected);
      await stdio.drained();
      await stdio.close();
      assert.ok(!fs.existsSync(stdio.consoleSocket ?? ""));
    }));

  test("what is no terminal is refused, and what is open is closed", () =>
    withStdio({}, async ({ open, fifo }) => {
      const stdio = await open({ stdin: fifo("in"), stdout: fifo("out"), terminal: true });
      const file = fs.openSync("/dev/null", "r");
      sendDescriptors(stdio.consoleSocket ?? "", [file]);
      fs.closeSync(file);
      await assert.rejects(stdio.handedOver(), status(StatusCode.unavailable, /not a terminal/));
      await stdio.close();
    }));
});

describe("the socket of a terminal", () => {
  test("is nobody else's, and has a short path", () =>
    withStdio({}, async ({ open }) => {
      const stdio = await open({ terminal: true });
      const socket = stdio.consoleSocket ?? "";
      assert.ok(fs.lstatSync(socket).isSocket());
      assert.equal(fs.statSync(path.dirname(socket)).mode & 0o777, 0o700);
      await stdio.close();
      assert.ok(!fs.existsSync(socket));
    }));

  test("whose path would be too long is refused", () =>
    withStdio({}, async ({ dir, host }) => {
      const runDirectory = path.join(dir, "x".repeat(100));
      const paths = { stdin: "", stdout: "", stderr: "", terminal: true };
      const owner = { bundle: dir, id: "c", execId: "", uid: 0, gid: 0 };
      const opening = openStdio({ ...host, settings: { ...host.settings, runDirectory } }, paths, owner);
      await assert.rejects(opening, status(StatusCode.invalidArgument, /too long for a socket/));
    }));
});

function noFull(): string | false {
  return fs.existsSync("/dev/full") ? false : "needs /dev/full";
}

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import { sleep } from "../../../src/base/deadline.ts";
import { StatusCode } from "../../../src/base/status.ts";
import type { ProcessStdio } from "../../../src/shim/stdio/stdio.ts";
import { status } from "../../support/status.ts";
import { type StdioScene, withStdio } from "../stdio-scene.ts";

/** Runs a shell script with these streams, as the runtime would; resolves when it has ended. */
async function run(stdio: ProcessStdio, script: string): Promise<number | NodeJS.Signals | null> {
  const child = spawn("sh", ["-c", script], { stdio: [...stdio.childFds] });
  const exited = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once("exit", (code, signal) => resolve(code ?? signal)),
  );
  await stdio.handedOver();
  return exited;
}

/** The URI of a logger that is this script; `$2` is the directory of the test. */
const loggerOf = ({ program, dir }: StdioScene, script: string, scheme = "binary") =>
  `${scheme}://${program("logger", script)}?dir=${dir}`;

/** Writes what comes to files named 3 and 4, and says that it is done. */
const GOOD =
  'echo $$ > "$2/pid"; exec 5>&-; cat <&3 > "$2/3" & cat <&4 > "$2/4" & wait; echo done > "$2/done"';
const isAlive = (pid: string) => fs.existsSync(`/proc/${pid}`);

describe("a logger", () => {
  for (const scheme of ["binary", "binary-v2"]) {
    test(`of ${scheme} gets both outputs, and has taken them when they are drained`, () =>
      withStdio({}, async (scene) => {
        const ready = scheme === "binary-v2" ? "printf r >&5; " : "";
        const stdio = await scene.open({ stdout: loggerOf(scene, ready + GOOD, scheme) });
        assert.equal(await run(stdio, "echo out; echo err >&2; exit 4"), 4);
        await stdio.drained();
        const read = (name: string) => fs.readFileSync(path.join(scene.dir, name), "utf8");
        assert.deepEqual([read("3"), read("4"), read("done")], ["out\n", "err\n", "done\n"]);
        await stdio.close();
        await stdio.close();
        assert.deepEqual(scene.log.lines, ["debug the logger has ended"]);
      }));
  }

  test("may end with its process, before that one's end is told", () =>
    withStdio({}, async (scene) => {
      const stdio = await scene.open({ stdout: loggerOf(scene, GOOD) });
      await run(stdio, "echo out");
      await until("the end of the logger", () => (scene.log.lines.length > 0 ? true : undefined));
      await stdio.drained();
      await stdio.close();
      assert.deepEqual(scene.log.lines, ["debug the logger has ended"]);
    }));

  test("has nothing open but its three pipes", () =>
    withStdio({}, async (scene) => {
      const script = 'exec 5>&-; ls -l "/proc/$$/fd" > "$2/fds"; cat <&3; cat <&4';
      const stdio = await scene.open({ stdin: scene.fifo("in"), stdout: loggerOf(scene, script) });
      await run(stdio, "true");
      await stdio.drained();
      const lines = fs.readFileSync(path.join(scene.dir, "fds"), "utf8").match(/\d+ -> \S+/g) ?? [];
      const targets = lines.map((line) => line.replace(/\[\d+\]/, ""));
      const nowhere = ["0 -> /dev/null", "2 -> /dev/null", "3 -> pipe:", "4 -> pipe:"];
      for (const target of nowhere) assert.ok(targets.includes(target), targets.join("; "));
      // What else is there are the shell's own: its script, and what it keeps of a redirected stream.
      const own = targets.filter((target) => /\/in$|anon_inode|socket/.test(target));
      assert.deepEqual(own, []);
      await stdio.close();
    }));

  test("is told the exec's id where the output is an exec's", () =>
    withStdio({}, async (scene) => {
      const script = 'echo "$CONTAINER_NAMESPACE/$CONTAINER_ID" > "$2/who"; exec 5>&-; cat <&3';
      const stdio = await scene.open({ stdout: loggerOf(scene, script) }, { execId: "e1" });
      await run(stdio, "true");
      await stdio.drained();
      assert.equal(fs.readFileSync(path.join(scene.dir, "who"), "utf8"), "test/e1\n");
      await stdio.close();
    }));

  test("may be stderr's alone", () =>
    withStdio({}, async (scene) => {
      const stdio = await scene.open({ stderr: loggerOf(scene, GOOD) });
      assert.equal(stdio.childFds[1], "ignore");
      await run(stdio, "echo out; echo err >&2");
      await stdio.drained();
      const read = (name: string) => fs.readFileSync(path.join(scene.dir, name), "utf8");
      assert.deepEqual([read("3"), read("4")], ["", "err\n"]);
      await stdio.close();
    }));
});

describe("a logger that dies", () => {
  test("neither breaks its process nor holds it up, and the log says so once", () =>
    withStdio({}, async (scene) => {
      const stdio = await scene.open({ stdout: loggerOf(scene, "exec 5>&-; exit 9") });
      await until("the end of the logger", () => (scene.log.lines.length > 0 ? true : undefined));
      // More than a pipe holds, so that it would stand still where nobody reads.
      assert.equal(await run(stdio, "head -c 500000 /dev/zero && head -c 500000 /dev/zero >&2"), 0);
      await stdio.drained();
      await stdio.close();
      assert.deepEqual(scene.log.lines, [
        "error the logger has ended before its process: what that writes from now on is dropped",
      ]);
      assert.equal(scene.log.fields[0]?.exitCode, 9);
    }));

  test("while its process waits for it to read lets that go on", () =>
    withStdio({}, async (scene) => {
      const script = 'echo $$ > "$2/pid"; exec 5>&-; while :; do sleep 1; done';
      const stdio = await scene.open({ stdout: loggerOf(scene, script) });
      const exited = run(stdio, `head -c 500000 /dev/zero; echo written > ${scene.dir}/written`);
      const pid = Number(fs.readFileSync(path.join(scene.dir, "pid"), "utf8"));
      assert.ok(!fs.existsSync(path.join(scene.dir, "written")));
      process.kill(pid, "SIGKILL");
      assert.equal(await exited, 0);
      await stdio.drained();
      await stdio.close();
    }));
});

describe("a logger that is not ready", () => {
  test("in time is ended, and its container is not made", () =>
    withStdio({ loggerReadyMs: 200, loggerStopMs: 100 }, async (scene) => {
      const stdout = loggerOf(scene, 'trap "" TERM; echo $$ > "$2/pid"; while :; do sleep 1; done');
      const expected = status(StatusCode.deadlineExceeded, /^stdout binary:.*the start of logger .*200 ms$/);
      await assert.rejects(scene.open({ stdin: scene.fifo("in"), stdout }), expected);
      assert.ok(!isAlive(fs.readFileSync(path.join(scene.dir, "pid"), "utf8").trim()));
    }));

  const ends: [how: string, script: string][] = [
    ["closes its descriptor 5 without a byte", "exec 5>&-; cat <&3"],
    ["ends before it says so", "exit 1"],
  ];
  for (const [how, script] of ends) {
    test(`and ${how} is refused as binary-v2`, () =>
      withStdio({}, async (scene) => {
        const stdout = loggerOf(scene, script, "binary-v2");
        const expected = status(StatusCode.failedPrecondition, /^stdout binary-v2:.*did not say that it is/);
        await assert.rejects(scene.open({ stdout }), expected);
      }));
  }

  test("because it is no program that this machine can run is refused", () =>
    withStdio({}, async (scene) => {
      const file = path.join(scene.dir, "odd");
      fs.writeFileSync(file, "\x7fELF nonsense", { mode: 0o755 });
      await assert.rejects(scene.open({ stdout: `binary://${file}` }), /^StatusError: stdout binary:.*odd/);
    }));
});

describe("a logger that does not end", () => {
  test("with its input is left alone until the limit, then ended by what it takes", () =>
    withStdio({ drainMs: 100, loggerStopMs: 100 }, async (scene) => {
      const script = 'trap "" TERM; echo $$ > "$2/pid"; exec 5>&-; while :; do sleep 1; done';
      const stdio = await scene.open({ stdout: loggerOf(scene, script) });
      await run(stdio, "echo out");
      const pid = fs.readFileSync(path.join(scene.dir, "pid"), "utf8").trim();
      await stdio.drained();
      assert.deepEqual(scene.log.lines, ["warn output was not passed on to its end"]);
      assert.ok(isAlive(pid));
      await stdio.close();
      assert.ok(!isAlive(pid));
      assert.deepEqual(scene.log.lines.slice(1), [
        "warn the logger was killed: what it had not written out is lost",
      ]);
    }));

  test("with its input, of which it has all, is told by SIGTERM, whatever output may still take", () =>
    withStdio({ drainMs: 600_000, loggerEndMs: 50 }, async (scene) => {
      const onTerm = 'trap \'echo told > "$2/told"; exit\' TERM; exec 5>&-; cat <&3 > "$2/3"';
      const stdio = await scene.open({ stdout: loggerOf(scene, `${onTerm}; while :; do sleep 0.05; done`) });
      await run(stdio, "head -c 500000 /dev/zero");
      await stdio.drained();
      assert.ok(!fs.existsSync(path.join(scene.dir, "told")));
      await stdio.close();
      assert.ok(fs.existsSync(path.join(scene.dir, "told")));
      assert.equal(fs.statSync(path.join(scene.dir, "3")).size, 500_000);
      assert.deepEqual(scene.log.lines, []);
    }));

  test("with its input has until the limit, which counts from Delete", () =>
    withStdio({ drainMs: 2_000 }, async (scene) => {
      const script = 'exec 5>&-; until test -e "$2/go"; do :; done; exec cat <&3 > "$2/3"';
      const stdio = await scene.open({ stdout: loggerOf(scene, script) });
      await run(stdio, "echo last words");
      stdio.processEnded();
      await sleep(2_200);
      fs.writeFileSync(path.join(scene.dir, "go"), "");
      await stdio.drained();
      await stdio.close();
      assert.equal(fs.readFileSync(path.join(scene.dir, "3"), "utf8"), "last words\n");
      assert.deepEqual(scene.log.lines, ["debug the logger has ended"]);
    }));

  test("before it has sent what it holds has time for that", () =>
    withStdio({ drainMs: 100 }, async (scene) => {
      const script = 'trap "" TERM; exec 5>&-; text=$(cat <&3); sleep 3; echo "$text" > "$2/3"';
      const stdio = await scene.open({ stdout: loggerOf(scene, script) });
      await run(stdio, "echo last words");
      await stdio.drained();
      await stdio.close();
      assert.equal(fs.readFileSync(path.join(scene.dir, "3"), "utf8"), "last words\n");
    }));

  test("because a child of its process has the pipe is ended with SIGTERM", () =>
    withStdio({ drainMs: 100 }, async (scene) => {
      const stdio = await scene.open({ stdout: loggerOf(scene, `exec 5>&-; exec cat <&3`) });
      await run(stdio, `sleep 1000 & echo $! > ${scene.dir}/child`);
      await stdio.drained();
      await stdio.close();
      process.kill(Number(fs.readFileSync(path.join(scene.dir, "child"), "utf8")), "SIGKILL");
    }));
});

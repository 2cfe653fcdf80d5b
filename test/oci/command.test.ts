import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { sleep } from "../../src/base/deadline.ts";
import { StatusCode } from "../../src/base/status.ts";
import { type CommandOptions, runCommand } from "../../src/oci/command.ts";
import { countFds, makeFifo, withTempDir } from "../support/files.ts";
import { status } from "../support/status.ts";
import { isAlive, makeFakeRunc, until } from "./helpers.ts";

/** Long enough never to matter. */
const timeoutMs = 60_000;

function shell(script: string, options: Partial<CommandOptions> = {}) {
  return runCommand({ file: "/bin/sh", args: ["-c", script], timeoutMs, ...options });
}

describe("a command that ends by itself", () => {
  const endings = [
    { script: "exit 0", exitCode: 0, signal: undefined },
    { script: "exit 7", exitCode: 7, signal: undefined },
    { script: "exit 255", exitCode: 255, signal: undefined },
    { script: "kill -KILL $$", exitCode: undefined, signal: "SIGKILL" },
    { script: "kill -TERM $$", exitCode: undefined, signal: "SIGTERM" },
    { script: "kill -HUP $$", exitCode: undefined, signal: "SIGHUP" },
  ];
  for (const { script, exitCode, signal } of endings) {
    test(`says how: ${script}`, async () => {
      const result = await shell(script);
      assert.equal(result.exitCode, exitCode);
      assert.equal(result.signal, signal);
      assert.equal(result.timedOut, false);
      assert.ok(result.durationMs >= 0);
    });
  }

  test("gives back its file, arguments and pid", async () => {
    const result = await shell("echo $$");
    assert.equal(result.file, "/bin/sh");
    assert.deepEqual(result.args, ["-c", "echo $$"]);
    assert.equal(Number(result.stdout.text), result.pid);
  });

  test("has its outputs apart and whole", async () => {
    const { stdout, stderr } = await shell("echo out; echo err >&2; printf more");
    assert.deepEqual(stdout, { text: "out\nmore", truncated: false });
    assert.deepEqual(stderr, { text: "err\n", truncated: false });
  });

  test("keeps characters whole that arrive in two pieces", async () => {
    const { stdout } = await shell("printf '\\303'; sleep 0.02; printf '\\274'");
    assert.equal(stdout.text, "ü");
  });
});

describe("a program whose file answers nobody, as on a disk that hangs", () => {
  // A named pipe without a writer is opened just as late.
  const answer = (file: string) => fs.closeSync(fs.openSync(`${file}.pipe`, "r+"));
  const withSilent = (body: (file: string) => Promise<void>) =>
    withTempDir(async (dir) => {
      const file = path.join(dir, "program");
      makeFifo(`${file}.pipe`);
      fs.linkSync(`${file}.pipe`, file);
      try {
        await body(file);
      } finally {
        answer(file);
      }
    });

  test("holds up nothing else, is waited for within the limit, and is not started later", async () => {
    await withSilent(async (file) => {
      let begun = 0;
      const onSpawn = () => {
        begun += 1;
      };
      const call = runCommand({ file, args: [], timeoutMs: 100, onSpawn });
      const outcome = assert.rejects(
        call,
        status(StatusCode.deadlineExceeded, /reading the program .* longer than 100 ms/),
      );
      assert.equal((await shell("exit 3")).exitCode, 3);
      await outcome;
      fs.rmSync(file);
      fs.writeFileSync(file, "#!/bin/sh\n", { mode: 0o755 });
      answer(file);
      await sleep(20);
      assert.equal(begun, 0);
    });
  });

  test("is given up with the signal", async () => {
    await withSilent(async (file) => {
      const stop = new AbortController();
      const call = runCommand({ file, args: [], timeoutMs, signal: stop.signal });
      stop.abort(new Error("enough"));
      await assert.rejects(call, /enough/);
    });
  });
});

describe("what a command is given", () => {
  test("is never read by a shell", async () => {
    const args = ["%s\n", "$HOME; exit 3 | `false` * '"];
    const { stdout, exitCode } = await runCommand({ file: "printf", args, timeoutMs });
    assert.equal(stdout.text, "$HOME; exit 3 | `false` * '\n");
    assert.equal(exitCode, 0);
  });

  test("is the environment given, and no other variable", async () => {
    const { stdout } = await runCommand({ file: "/usr/bin/env", args: [], env: { ONLY: "this" }, timeoutMs });
    assert.equal(stdout.text, "ONLY=this\n");
  });

  test("is a working directory", async () => {
    await withTempDir(async (dir) => {
      const { stdout } = await shell("pwd -P", { cwd: dir });
      assert.equal(stdout.text.trim(), fs.realpathSync(dir));
    });
  });

  test("is another name for itself", async () => {
    const { stdout } = await runCommand({
      file: "/bin/sh",
      args: ["-c", "echo $0"],
      argv0: "other",
      timeoutMs,
    });
    assert.equal(stdout.text, "other\n");
  });

  test("is an empty stdin unless it says otherwise", async () => {
    const { stdout, exitCode } = await runCommand({ file: "cat", args: [], timeoutMs });
    assert.equal(stdout.text, "");
    assert.equal(exitCode, 0);
  });

  test("is its pid to the caller, once", async () => {
    const seen: number[] = [];
    const { pid } = await shell("exit 0", { onSpawn: (spawned) => seen.push(spawned) });
    assert.deepEqual(seen, [pid]);
  });
});

describe("descriptors of ours", () => {
  test("become those of the command, and stay open here", async () => {
    await withTempDir(async (dir) => {
      const file = path.join(dir, "out");
      const fd = fs.openSync(file, "w");
      const { stdout } = await shell("echo to the file; echo to 3 >&3", {
        stdio: ["ignore", fd, "capture", fd],
      });
      fs.writeSync(fd, "still ours\n");
      fs.closeSync(fd);
      assert.equal(fs.readFileSync(file, "utf8"), "to the file\nto 3\nstill ours\n");
      assert.equal(stdout.text, "");
    });
  });

  test("other than those given are not inherited", async () => {
    await withTempDir(async (dir) => {
      const fd = fs.openSync(path.join(dir, "secret"), "w");
      const fake = makeFakeRunc(dir);
      await runCommand({ file: fake.binary, args: ["--version"], timeoutMs });
      fs.closeSync(fd);
      const targets = Object.values(fake.calls()[0]?.fds ?? {});
      assert.ok(!targets.some((target) => target.endsWith("/secret")), targets.join(" "));
    });
  });
});

describe("output that does not end with the command", () => {
  test("is not waited for when a process left behind holds it open", async () => {
    const result = await shell("sleep 1000 & echo $!; echo said >&2");
    const holder = Number(result.stdout.text);
    try {
      assert.ok(isAlive(holder), "the result came while the holder still lived");
      assert.equal(result.exitCode, 0);
      assert.equal(result.stderr.text, "said\n");
    } finally {
      process.kill(holder, "SIGKILL");
    }
  });

  test("is given up when a process left behind writes without end", async () => {
    const result = await shell("yes & echo $! >&2; exit 5", { maxOutputBytes: 1_000 });
    const writer = Number(result.stderr.text);
    assert.equal(result.exitCode, 5);
    assert.equal(result.stdout.truncated, true);
    await until(() => !isAlive(writer), "the end of the writer, whose pipe is closed");
  });
});

describe("output without bound", () => {
  for (const [stream, redirect] of [
    ["stdout", ""],
    ["stderr", ">&2"],
  ] as const) {
    test(`on ${stream} is read to the end and kept up to the limit`, async () => {
      const script = `head -c 3000000 /dev/zero | tr '\\0' x ${redirect}; exit 9`;
      const result = await shell(script, { maxOutputBytes: 1_000 });
      assert.equal(result.exitCode, 9);
      assert.deepEqual(result[stream], { text: "x".repeat(1_000), truncated: true });
    });
  }

  test("of exactly the limit is not called truncated", async () => {
    const { stdout } = await shell("printf 12345", { maxOutputBytes: 5 });
    assert.deepEqual(stdout, { text: "12345", truncated: false });
  });

  test("is not lost when much of it is still in the pipe at the exit", async () => {
    const { stdout } = await shell("head -c 60000 /dev/zero | tr '\\0' y");
    assert.equal(stdout.text.length, 60_000);
  });
});

describe("a command past its time limit", () => {
  test("is killed, and the result says so", async () => {
    const result = await runCommand({ file: "sleep", args: ["1000"], timeoutMs: 20 });
    assert.equal(result.timedOut, true);
    assert.equal(result.signal, "SIGKILL");
    assert.equal(isAlive(result.pid), false);
  });

  test("is asked first where it has time to end", async () => {
    const script = "trap 'echo asked; exit 3' TERM; echo; while :; do sleep 0.01; done";
    const result = await shell(script, { timeoutMs: 200, killGraceMs: 60_000 });
    assert.equal(result.timedOut, true);
    assert.equal(result.exitCode, 3);
    assert.equal(result.stdout.text.trim(), "asked");
  });

  test("is killed where it does not heed the question", async () => {
    const script = "trap '' TERM; while :; do sleep 0.01; done";
    const result = await shell(script, { timeoutMs: 100, killGraceMs: 50 });
    assert.equal(result.timedOut, true);
    assert.equal(result.signal, "SIGKILL");
  });

  test("takes what the command has started along where that is wanted", async () => {
    await withTempDir(async (dir) => {
      const script = `(sleep 1000 & echo $! >${dir}/pid; wait) & wait`;
      await shell(script, { timeoutMs: 300, killsDescendants: true });
      const pid = Number(fs.readFileSync(path.join(dir, "pid"), "utf8"));
      await until(() => !isAlive(pid), "its end");
    });
  });

  test("keeps what it said until then", async () => {
    const result = await shell("echo working; exec sleep 1000", { timeoutMs: 300 });
    assert.equal(result.stdout.text, "working\n");
  });

  test("does not exist where there is no limit", async () => {
    const result = await shell("exit 0", { timeoutMs: Infinity });
    assert.equal(result.timedOut, false);
  });
});

describe("a caller that turns away", () => {
  test("ends the command and gets its own reason", async () => {
    const controller = new AbortController();
    let pid = 0;
    const onSpawn = (spawned: number) => {
      pid = spawned;
      controller.abort(new Error("enough"));
    };
    const running = runCommand({
      file: "sleep",
      args: ["1000"],
      timeoutMs,
      signal: controller.signal,
      onSpawn,
    });
    await assert.rejects(running, /enough/);
    assert.equal(isAlive(pid), false);
  });

  test("before the start means that nothing is started", async () => {
    let spawned = false;
    const signal = AbortSignal.abort(new Error("too late"));
    const options = { signal, onSpawn: () => (spawned = true) };
    await assert.rejects(shell("exit 0", options), /too late/);
    assert.equal(spawned, false);
  });
});

describe("a command that cannot be started", () => {
  test("names the binary, where it was looked for and what to do", async () => {
    const running = runCommand({ file: "nosuchrunc", args: [], env: { PATH: "/bin:/nosuchdir" }, timeoutMs });
    const expected =
      /^nosuchrunc not found in PATH=\/bin:\/nosuchdir: install it, or set binary_name in the runtime's options$/;
    await assert.rejects(running, status(StatusCode.failedPrecondition, expected));
  });

  test("names the path where it was given as one", async () => {
    const running = runCommand({ file: "/nosuchdir/runc", args: [], timeoutMs });
    await assert.rejects(
      running,
      status(StatusCode.failedPrecondition, /^\/nosuchdir\/runc not found: install it/),
    );
  });

  test("says that the working directory is missing, not the binary", async () => {
    const expected = /^\/bin\/sh cannot be started in \/nosuchdir: no such directory$/;
    await assert.rejects(shell("", { cwd: "/nosuchdir" }), status(StatusCode.failedPrecondition, expected));
  });

  test("says that a script's interpreter is missing, not the script", async () => {
    await withTempDir(async (dir) => {
      const file = path.join(dir, "script");
      fs.writeFileSync(file, "#!/nosuchinterpreter\n", { mode: 0o755 });
      const expected = /script is there, but what it needs to run/;
      await assert.rejects(
        runCommand({ file, args: [], timeoutMs }),
        status(StatusCode.failedPrecondition, expected),
      );
    });
  });

  test("says that a file is not executable", async () => {
    await withTempDir(async (dir) => {
      const file = path.join(dir, "data");
      fs.writeFileSync(file, "data", { mode: 0o644 });
      const running = runCommand({ file, args: [], timeoutMs });
      await assert.rejects(running, status(StatusCode.permissionDenied, /data may not be run/));
    });
  });

  test("says that an argument holds what none can", async () => {
    const running = runCommand({ file: "true", args: ["a\0b"], timeoutMs });
    await assert.rejects(running, status(StatusCode.invalidArgument, /^true cannot be given such arguments/));
  });
});

test("no descriptor stays open, however a command ends", async () => {
  const endings = [
    () => shell("echo x; echo y >&2; exit 1"),
    () => runCommand({ file: "nosuchbinary", args: [], timeoutMs }).catch(() => {}),
    () => runCommand({ file: "sleep", args: ["1000"], timeoutMs: 5 }),
    () => shell("head -c 500000 /dev/zero", { maxOutputBytes: 10 }),
    async () => {
      const { stdout } = await shell("sleep 1000 & echo $!");
      process.kill(Number(stdout.text), "SIGKILL");
    },
  ];
  for (const end of endings) await end();
  const before = countFds();
  for (let round = 0; round < 3; round += 1) {
    for (const end of endings) await end();
  }
  await until(() => countFds() <= before, "the number of descriptors from before");
});

test("commands at the same time do not mix their outputs", async () => {
  const results = await Promise.all(
    Array.from({ length: 8 }, (_, i) => shell(`echo ${i}; echo e${i} >&2; exit ${i}`)),
  );
  assert.deepEqual(
    results.map(({ stdout, stderr, exitCode }) => [stdout.text, stderr.text, exitCode]),
    results.map((_, i) => [`${i}\n`, `e${i}\n`, i]),
  );
});

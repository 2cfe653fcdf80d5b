import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { errnoOf } from "../../src/base/files.ts";
import { type Child, type LaunchOptions, launch, type PipeOutput } from "../../src/base/launch.ts";
import { countFds, withTempDir } from "../support/files.ts";

const { env } = process;

function shell(script: string, options: Partial<LaunchOptions> = {}): Promise<Child> {
  return launch(["/bin/sh", "-c", script], { env, stdio: ["ignore", "pipe", "pipe"], ...options });
}

async function textOf(output: PipeOutput | undefined): Promise<string> {
  const chunks: Uint8Array[] = [];
  await output?.read((chunk) => chunks.push(chunk));
  return Buffer.concat(chunks).toString();
}

describe("a program that was started", () => {
  const endings = [
    { script: "exit 0", exitCode: 0, signal: undefined },
    { script: "exit 255", exitCode: 255, signal: undefined },
    { script: "kill -TERM $$", exitCode: undefined, signal: "SIGTERM" },
  ];
  for (const { script, exitCode, signal } of endings) {
    test(`tells how it ends: ${script}`, async () => {
      assert.deepEqual(await (await shell(script)).ended, { exitCode, signal });
    });
  }

  test("is told by its pid before anything else, and is in our session unless it is to have its own", async () => {
    for (const detached of [false, true]) {
      const pids: number[] = [];
      const starting = shell("ps -o sid= -p $$", { detached, onSpawn: (pid) => pids.push(pid) });
      await Promise.resolve();
      assert.equal(pids.length, 1);
      const child = await starting;
      assert.deepEqual(pids, [child.pid]);
      assert.equal(Number(await textOf(child.stdout)) === child.pid, detached);
    }
  });

  test("has the environment, directory and name that it is given", async () => {
    await withTempDir(async (dir) => {
      const stdio = ["ignore", "pipe", "ignore"] as const;
      const options = { env: { ONLY: "this" }, cwd: dir, argv0: "other", stdio };
      const child = await launch(["/bin/sh", "-c", "pwd -P; echo $0; env"], options);
      const [place, name, ...variables] = (await textOf(child.stdout)).split("\n");
      assert.deepEqual([place, name], [fs.realpathSync(dir), "other"]);
      assert.deepEqual(
        variables.filter((line) => !/^(PWD|OLDPWD|SHLVL|_)=/.test(line)),
        ["ONLY=this", ""],
      );
    });
  });

  test("is looked for in the PATH that it is given", async () => {
    await withTempDir(async (dir) => {
      const program = path.join(dir, "only-here");
      fs.writeFileSync(program, "#!/bin/sh\necho found\n", { mode: 0o755 });
      const child = await launch(["only-here"], { env: { PATH: dir }, stdio: ["ignore", "pipe", "ignore"] });
      assert.equal(await textOf(child.stdout), "found\n");
    });
  });

  test("reads what its stdin is given, to the end", async () => {
    const child = await launch(["cat"], { env, stdio: ["pipe", "pipe", "ignore"] });
    child.endStdin("some words\n");
    assert.equal(await textOf(child.stdout), "some words\n");
    assert.deepEqual(await child.ended, { exitCode: 0, signal: undefined });
  });

  test("is no trouble where it has closed its stdin, or has ended", async () => {
    const child = await shell("exec <&-; exit 3", { stdio: ["pipe", "ignore", "ignore"] });
    await child.ended;
    child.endStdin("nobody reads this");
    child.kill("SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal((await child.ended).exitCode, 3);
  });

  test("is ended by a signal", async () => {
    const child = await launch(["sleep", "1000"], { env, stdio: [] });
    child.kill("SIGTERM");
    assert.deepEqual(await child.ended, { exitCode: undefined, signal: "SIGTERM" });
  });

  test("keeps its outputs apart, which are read to their ends", async () => {
    const child = await shell("echo out; echo err >&2; head -c 300000 /dev/zero");
    const [out, err] = await Promise.all([textOf(child.stdout), textOf(child.stderr)]);
    assert.deepEqual([out.slice(0, 4), out.length, err], ["out\n", 300_004, "err\n"]);
  });

  test("holds nobody up that has closed its outputs", async () => {
    const child = await shell("yes");
    const reading = child.stdout?.read(() => child.stdout?.close());
    child.stderr?.close();
    await reading;
    child.stdout?.close();
    assert.notEqual((await child.ended).exitCode, 0);
  });
});

describe("descriptors", () => {
  test("of ours become the program's, and stay open here", async () => {
    await withTempDir(async (dir) => {
      const file = path.join(dir, "out");
      const fd = fs.openSync(file, "w");
      const child = await shell("echo one; echo three >&3", { stdio: ["ignore", fd, "ignore", fd] });
      await child.ended;
      fs.writeSync(fd, "ours\n");
      fs.closeSync(fd);
      assert.equal(fs.readFileSync(file, "utf8"), "one\nthree\nours\n");
      assert.deepEqual([child.stdout, child.stderr], [undefined, undefined]);
    });
  });

  test("are all closed once the program has ended and was read", async () => {
    const once = async () => {
      const child = await shell("echo said");
      await Promise.all([textOf(child.stdout), textOf(child.stderr), child.ended]);
      for (const output of [child.stdout, child.stderr]) output?.close();
    };
    await once();
    const before = countFds();
    for (let times = 0; times < 20; times++) await once();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(countFds() <= before + 2, `${countFds()} descriptors, ${before} before`);
  });
});

describe("a program that cannot be started", () => {
  const reasons: [what: string, file: string, errno: string, options: object][] = [
    ["is not there", "no-such-program", "ENOENT", {}],
    ["may not be run", "/etc/passwd", "EACCES", {}],
    ["has no directory", "/bin/true", "ENOENT", { cwd: "/no/such/place" }],
  ];
  for (const [what, file, errno, options] of reasons) {
    test(`is an error with its errno where it ${what}`, async () => {
      const starting = launch([file], { env, stdio: ["ignore", "ignore", "ignore"], ...options });
      await assert.rejects(starting, (err) => errnoOf(err) === errno);
    });
  }
});

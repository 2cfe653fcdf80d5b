/** The fake runtime must be like the real one where it does not misbehave on purpose. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { type CommandResult, runCommand } from "../../src/oci/command.ts";
import { withTempDir } from "../support/files.ts";
import { type FakeRunc, isAlive, makeFakeRunc, readFailures, until } from "./helpers.ts";

function withFake(
  commands: Readonly<Record<string, unknown>>,
  body: (call: (...args: string[]) => Promise<CommandResult>, fake: FakeRunc, dir: string) => Promise<void>,
): Promise<void> {
  return withTempDir(async (dir) => {
    const fake = makeFakeRunc(dir, commands);
    const global = ["--root", fake.root, "--log", fake.log, "--log-format", "json"];
    const call = (...args: string[]) =>
      runCommand({ file: fake.binary, args: [...global, ...args], timeoutMs: 60_000 });
    try {
      await body(call, fake, dir);
    } finally {
      await call("delete", "--force", "c1");
    }
  });
}

describe("the fake says what runc was recorded to say:", () => {
  const recorded = new Map(readFailures("runc-1.1.5").map((failure) => [failure.name, failure]));
  type Call = (...args: string[]) => Promise<CommandResult>;
  const pidFile = (dir: string) => path.join(dir, "init.pid");
  const create = (call: Call, dir: string) =>
    call("create", "--bundle", dir, "--pid-file", pidFile(dir), "c1");
  const stop = async (call: Call, dir: string) => {
    await create(call, dir);
    const pid = Number(fs.readFileSync(pidFile(dir), "utf8"));
    process.kill(pid, "SIGKILL");
    await until(() => !isAlive(pid), "the end of the init");
  };
  const rows: [name: string, prepare: (call: Call, dir: string) => Promise<unknown>][] = [
    ["create-twice", create],
    ["start-twice", async (call, dir) => [await create(call, dir), await call("start", "c1")]],
    ["delete-running", async (call, dir) => [await create(call, dir), await call("start", "c1")]],
    ["resume-running", async (call, dir) => [await create(call, dir), await call("start", "c1")]],
    ["kill-stopped", stop],
    ["start-stopped", stop],
    ["pause-stopped", stop],
    ["state-missing", async () => {}],
    ["start-missing", async () => {}],
    ["kill-missing", async () => {}],
    ["delete-missing", async () => {}],
    ["ps-missing", async () => {}],
  ];
  for (const [name, prepare] of rows) {
    test(name, async () => {
      await withFake({}, async (call, fake, dir) => {
        await prepare(call, dir);
        const failure = recorded.get(name);
        const args = failure?.args.map((arg) => (arg.startsWith("/run/ebb-record") ? dir : arg)) ?? [];
        fs.rmSync(fake.log, { force: true });
        const result = await call(...args);
        assert.equal(result.stderr.text, failure?.stderr);
        assert.equal(result.exitCode, failure?.status);
        const { level, msg } = JSON.parse(fs.readFileSync(fake.log, "utf8"));
        assert.deepEqual([level, msg], ["error", JSON.parse(failure?.log[0] ?? "{}").msg]);
      });
    });
  }
});

describe("a scenario", () => {
  test("gives each call of a command its own action, and the last to all further ones", async () => {
    await withFake({ version: [{ exit: 1 }, { exit: 2 }, { exit: 3 }] }, async (call) => {
      const codes = [];
      for (let i = 0; i < 4; i += 1) codes.push((await call("--version")).exitCode);
      assert.deepEqual(codes, [1, 2, 3, 3]);
    });
  });

  test("may be about every command that it does not name", async () => {
    await withFake({ "*": { exit: 9 }, version: {} }, async (call) => {
      assert.equal((await call("list", "--format", "json")).exitCode, 9);
      assert.equal((await call("--version")).exitCode, 0);
    });
  });

  test("may lie beside the root", async () => {
    await withFake({}, async (_, { binary, root }, dir) => {
      fs.writeFileSync(
        path.join(dir, "fake-runc.json"),
        JSON.stringify({ commands: { version: { exit: 5 } } }),
      );
      const program = fs.readFileSync(binary, "utf8").replace(/EBB_FAKE_RUNC='[^']*' /, "");
      fs.writeFileSync(binary, program);
      const { exitCode } = await runCommand({
        file: binary,
        args: ["--root", root, "--version"],
        timeoutMs: 60_000,
      });
      assert.equal(exitCode, 5);
    });
  });

  const pidFiles: [title: string, pidFile: unknown, text: string | undefined][] = [
    ["garbage", "not a pid", "not a pid"],
    ["nothing", "", ""],
    ["no file", false, undefined],
  ];
  for (const [title, pidFile, text] of pidFiles) {
    test(`may leave ${title} for a pid`, async () => {
      await withFake({ create: { pidFile } }, async (call, _, dir) => {
        const file = path.join(dir, "init.pid");
        assert.equal((await call("create", "--bundle", dir, "--pid-file", file, "c1")).exitCode, 0);
        assert.equal(fs.existsSync(file) ? fs.readFileSync(file, "utf8") : undefined, text);
      });
    });
  }

  test("may leave a process behind that holds the outputs", async () => {
    await withFake({}, async (_, fake, dir) => {
      const pidFile = path.join(dir, "holder.pid");
      const scenario = { commands: { start: { holdOutput: pidFile, exit: 0 } } };
      fs.writeFileSync(path.join(dir, "scenario.json"), JSON.stringify(scenario));
      const { exitCode } = await runCommand({ file: fake.binary, args: ["start", "c1"], timeoutMs: 60_000 });
      const holder = Number(fs.readFileSync(pidFile, "utf8"));
      assert.equal(exitCode, 0);
      assert.ok(isAlive(holder));
      process.kill(holder, "SIGKILL");
    });
  });

  test("may say that it runs before it hangs", async () => {
    await withTempDir(async (dir) => {
      const ready = path.join(dir, "ready");
      const fake = makeFakeRunc(dir, { start: { ready, hang: true } });
      const controller = new AbortController();
      const { signal } = controller;
      const running = runCommand({ file: fake.binary, args: ["start", "c1"], timeoutMs: 60_000, signal });
      running.catch(() => {});
      await until(() => fs.existsSync(ready) && fs.readFileSync(ready, "utf8") !== "", "the sign of life");
      controller.abort(new Error("enough"));
      await assert.rejects(running, /enough/);
    });
  });
});

test("the init of the fake becomes the program of config.json, in the same process", async () => {
  await withFake({}, async (call, _, dir) => {
    const pidFile = path.join(dir, "init.pid");
    fs.writeFileSync(path.join(dir, "config.json"), JSON.stringify({ process: { args: ["sleep", "4321"] } }));
    await call("create", "--bundle", dir, "--pid-file", pidFile, "c1");
    const pid = fs.readFileSync(pidFile, "utf8");
    await call("start", "c1");
    const program = () => fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    await until(() => program()[0] === "sleep", "the program in place of the shell");
    assert.deepEqual(program().slice(0, 2), ["sleep", "4321"]);
  });
});

test("the fake runs under node as well", async () => {
  await withFake({}, async (_, { binary }) => {
    const program = /'([^']*fake-runc\.mjs)'/.exec(fs.readFileSync(binary, "utf8"))?.[1] ?? "";
    const { stdout } = spawnSync("node", [program, "--version"], { encoding: "utf8" });
    assert.match(stdout, /^fake-runc version/);
  });
});

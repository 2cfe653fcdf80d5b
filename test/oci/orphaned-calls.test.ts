import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../lab/until.ts";
import { StatusCode } from "../../src/base/status.ts";
import { killOrphanedCalls } from "../../src/oci/orphaned-calls.ts";
import { pidIn, withTempDir } from "../support/files.ts";
import { status } from "../support/status.ts";
import { isAlive } from "./helpers.ts";

/** A program that its parent has left, with these arguments; its pid. */
async function orphan(dir: string, name: string, args: readonly string[], script: string): Promise<number> {
  const [program, pidFile] = [path.join(dir, name), path.join(dir, `${name}.pid`)];
  fs.writeFileSync(program, `#!/bin/sh\necho $$ > ${pidFile}\n${script}\n`, {
    mode: 0o755,
  });
  const starter = spawn("setsid", ["sh", "-c", '"$0" "$@" &', program, ...args], { stdio: "ignore" });
  await new Promise((resolve) => starter.once("exit", resolve));
  return await until("the orphan", () => pidIn(pidFile));
}

const logIn = (bundle: string, ...command: string[]) => [
  ...["--root", "/r", "--log", path.join(bundle, "log.json"), "--log-format", "json", "--rootless", "auto"],
  ...(command.length > 0 ? command : ["create", "--bundle", bundle, "c"]),
];

describe("calls of the OCI runtime that have no shim any more", () => {
  test("are killed with what they have started, and those of other bundles are not", () =>
    withTempDir(async (dir) => {
      const waits = "while :; do sleep 1; done";
      const call = await orphan(dir, "call", logIn(`${dir}/b`), `sh -c 'echo $$ > ${dir}/child; ${waits}'`);
      const exec = await orphan(dir, "exec", logIn(`${dir}/b/exec.e`), waits);
      const others = [
        await orphan(dir, "other", logIn(`${dir}/b2`), waits),
        await orphan(dir, "reader", [`${dir}/b/log.json`], waits),
        await orphan(dir, "flag", ["--log"], waits),
        await orphan(dir, "delete", logIn(`${dir}/b`, "delete", "run"), waits),
        await orphan(dir, "kill", logIn(`${dir}/b`, "kill", "start", "9"), waits),
      ];
      const child = await until("the child", () => pidIn(`${dir}/child`));
      assert.equal(await killOrphanedCalls(`${dir}/b`, 5_000), true);
      assert.deepEqual([call, exec, child].filter(isAlive), []);
      assert.deepEqual(others.filter(isAlive), others);
      for (const pid of others) process.kill(pid, "SIGKILL");
    }));

  test("are left alone where who leads their session lives", () =>
    withTempDir(async (dir) => {
      const program = path.join(dir, "shim");
      fs.writeFileSync(
        program,
        '#!/bin/sh\n(sh -c "while :; do sleep 1; done" "$@" & echo $! > "$0.pid"); sleep 1000\n',
        {
          mode: 0o755,
        },
      );
      const shim = spawn(program, logIn(dir), { stdio: "ignore", detached: true });
      const call = await until("the call", () => pidIn(`${program}.pid`));
      assert.equal(await killOrphanedCalls(dir, 1_000), false);
      assert.equal(isAlive(call), true);
      process.kill(-(shim.pid ?? 0), "SIGKILL");
    }));

  test("are left alone where who has called them lives, in a session that nobody leads any more", () =>
    withTempDir(async (dir) => {
      const script = path.join(dir, "call");
      fs.writeFileSync(script, "#!/bin/sh\nwhile :; do sleep 1; done\n", { mode: 0o755 });
      // As of a shim that somebody has served from a shell.
      const words = logIn(dir).join(" ");
      const caller = await orphan(dir, "by-hand", [], `${script} ${words} & echo $! > ${dir}/pid; wait`);
      const call = await until("the call", () => pidIn(`${dir}/pid`));
      assert.equal(await killOrphanedCalls(dir, 1_000), false);
      assert.deepEqual([call, caller].map(isAlive), [true, true]);
      for (const pid of [caller, call]) process.kill(pid, "SIGKILL");
    }));

  test("are killed even where there is no time to see them end, which is told", () =>
    withTempDir(async (dir) => {
      const call = await orphan(dir, "call", logIn(dir), "while :; do sleep 1; done");
      const expected = status(
        StatusCode.deadlineExceeded,
        new RegExp(`pids .*${call}.* were killed and have not ended`),
      );
      await assert.rejects(killOrphanedCalls(dir, -1), expected);
      await until("its end", () => (isAlive(call) ? undefined : true));
    }));

  test("may be none", () =>
    withTempDir(async (dir) => assert.equal(await killOrphanedCalls(dir, 1_000), false)));
});

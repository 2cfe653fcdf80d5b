import assert from "node:assert/strict";
import fs from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { StatusCode } from "../../src/base/status.ts";
import { script } from "../support/files.ts";
import { shimPath } from "../support/shim-process.ts";
import { runExec, wholeStory } from "./exec-scene.ts";
import { noContainers, refused, Workshop } from "./harness.ts";

const shop = new Workshop();
const skip = noContainers;
const launcher = fileURLToPath(new URL("../support/old-kernel.ts", import.meta.url));

/** Less than the ten seconds after which a shim sees an end that no SIGCHLD has told it of, unless it looks often. */
const SOON_MS = 5_000;

describe("on a kernel without pidfds", () => {
  test("a container lives its whole life, and signals reach its processes until they have ended", {
    skip,
  }, async () => {
    const id = "old-kernel";
    const command = `exec ${process.execPath} ${launcher} ${shimPath} "$@"`;
    const binary = script(shop.dir, "shim-on-old-kernel", command);
    const { bundle, shim, task } = await shop.create(id, { binary });
    const { shimPid } = await task.connect({ id });
    assert.deepEqual(
      fs.readdirSync(`/proc/${shimPid}/fd`).filter((fd) => isPidfd(shimPid, fd)),
      [],
    );
    await task.start({ id });
    await runExec(shim, id, "e1", ["sleep", "1000"]);
    await task.kill({ id, execId: "e1", signal: 15 });
    assert.equal((await task.wait({ id, execId: "e1" }, { timeoutMs: SOON_MS })).exitStatus, 143);
    const late = task.kill({ id, execId: "e1", signal: 15 });
    await refused(late, StatusCode.notFound, /e1/);
    await task.kill({ id, signal: 9 });
    assert.equal((await task.wait({ id }, { timeoutMs: SOON_MS })).exitStatus, 137);
    await task.delete({ id, execId: "e1" });
    await task.delete({ id });
    assert.deepEqual(shop.traces(bundle), []);
    const told = await wholeStory(shop, id);
    assert.deepEqual(told.slice(-3), ["exit e1 143", "exit init 137", "delete init"]);
  });
});

function isPidfd(pid: number, fd: string): boolean {
  try {
    return fs.readlinkSync(`/proc/${pid}/fd/${fd}`).includes("pidfd");
  } catch {
    return false;
  }
}

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { script } from "../support/files.ts";
import { shimPath } from "../support/shim-process.ts";
import { runExec, runtimeOptions } from "./exec-scene.ts";
import { noContainers, Workshop } from "./harness.ts";

const shop = new Workshop();
const skip = noContainers;

/** So little that a shim of some execs has more open. */
const SOFT = 24;
const EXECS = 16;

describe("the soft limit on open files that `start` is called with", () => {
  test("is that of what the shim starts, while the shim itself has as many as it needs", {
    skip,
  }, async () => {
    const id = "few-files";
    const told = path.join(shop.dir, "limits");
    const binary = script(shop.dir, "start-with-few", `ulimit -Sn ${SOFT}; exec ${shimPath} "$@"`);
    const runc = script(shop.dir, "runc-that-tells", `ulimit -Sn >> ${told}; exec runc "$@"`);
    const { shim, task } = await shop.create(id, { binary, options: runtimeOptions(runc) });
    await task.start({ id });
    for (let n = 0; n < EXECS; n += 1) await runExec(shim, id, `e${n}`, ["sleep", "1000"]);
    const { shimPid } = await task.connect({ id });
    assert.ok(fs.readdirSync(`/proc/${shimPid}/fd`).length > SOFT);
    // Create, and the first execs.
    const limits = fs.readFileSync(told, "utf8").split("\n").map(Number);
    assert.deepEqual(limits.slice(0, 3), [SOFT, SOFT, SOFT]);
  });
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const src = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../src");

/** What a program of its own, which loads the messages after `first`, reads of 64-bit fields. */
function numbersRead(first: string): unknown {
  const program = `${first}
    const { containerd } = await import("${src}/proto/index.ts");
    const { CPUUsage } = (await import("${src}/proto/metrics.ts")).io.containerd.cgroups.v1;
    const numbers = [0, 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 63];
    const read = numbers.map((total) => CPUUsage.decode(CPUUsage.encode({ total }).finish()).total);
    const time = { startedAt: undefined, exitedAt: { seconds: -5, nanos: 1 } };
    const { exitedAt } = containerd.task.v2.WaitResponse.decode(containerd.task.v2.WaitResponse.encode(time).finish());
    console.log(JSON.stringify([read, exitedAt.seconds, globalThis.Long?.name]));`;
  const { stdout, stderr } = spawnSync(process.execPath, ["-e", program], { encoding: "utf8" });
  assert.equal(stderr, "");
  return JSON.parse(stdout);
}

describe("the shim without the package long", () => {
  test("reads the same 64-bit numbers", () => {
    const [numbers, seconds, long] = numbersRead(`await import("${src}/shim/without-long.ts");`) as unknown[];
    assert.equal(long, "Halves");
    assert.deepEqual([numbers, seconds], (numbersRead("") as unknown[]).slice(0, 2));
    assert.deepEqual(numbers, [0, 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 63]);
    assert.equal(seconds, -5);
  });
});

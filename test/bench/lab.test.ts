import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, test } from "node:test";
import { type BenchLab, withLab } from "../../bench/lab.ts";
import { runningContainer } from "../../bench/life.ts";
import { launch } from "../../bench/rows/launch.ts";
import { life } from "../../bench/rows/life.ts";
import type { Shim } from "../../bench/shims.ts";
import { snapshotLeftovers } from "../../lab/leftovers.ts";
import { resolveShimBinary } from "../../src/client/index.ts";
import { installedShims, noContainers } from "../client/support.ts";

/** Everything of a lab that is on the machine. */
function left({ dir, run, address, namespace }: BenchLab, ids: readonly string[]): string[] {
  return snapshotLeftovers({ roots: [dir, run], address, namespace, ids });
}

for (const { name, runtime } of installedShims()) {
  describe(`a lab for ${name}`, { skip: noContainers }, () => {
    const shim: Shim = { binary: resolveShimBinary(runtime), label: name, ours: false };
    const plan = { shims: [shim], signal: new AbortController().signal, rounds: 1 };

    test("leaves nothing of a container that nobody has ended", async () => {
      const seen = await withLab(plan, async (lab) => {
        const { id } = await runningContainer(lab, shim);
        const there = left(lab, [id]);
        assert.ok(there.some((line) => line.startsWith("process")));
        return { lab, id };
      });
      assert.deepEqual(left(seen.lab, [seen.id]), []);
      assert.deepEqual([seen.lab.dir, seen.lab.run].filter(existsSync), []);
    });

    test("leaves nothing of work that fails, and tells its failure", async () => {
      const failure = new Error("the row fails");
      let lab: BenchLab | undefined;
      const work = withLab(plan, async (given) => {
        lab = given;
        await runningContainer(given, shim);
        throw failure;
      });
      await assert.rejects(work, failure);
      assert.deepEqual(lab === undefined ? undefined : left(lab, ["b1"]), []);
    });

    for (const row of [launch, life]) {
      test(`has what ${row.name} needs, which ends what it has begun`, async () => {
        await withLab(plan, async (lab) => {
          const { tables } = await row.run(lab);
          for (const { title, subjects } of tables) {
            assert.deepEqual(
              subjects.map(({ label, n }) => [label, n]),
              [[name, 1]],
              title,
            );
          }
          const ids = [lab.newId(), lab.newId()];
          const processes = left(lab, ids).filter((line) => /^(?:process|mount|socket)/.test(line));
          assert.deepEqual(processes, []);
        });
      });
    }
  });
}

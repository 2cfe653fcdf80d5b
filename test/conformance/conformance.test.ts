import assert from "node:assert/strict";
import os from "node:os";
import { after, describe, test } from "node:test";
import { resolveShimBinary } from "../../src/client/index.ts";
import { type InstalledShim, installedShims, noContainers } from "../client/support.ts";
import type { ConformanceCase } from "./case.ts";
import { allCases } from "./cases/index.ts";
import { Suite, startCases } from "./suite.ts";

/** A busy processor is no reason to wait: most of a case is waiting for processes that start and end. */
const JOBS = 2 * os.cpus().length;

/** Only the shim of this project is held to what only this project promises. */
const isOurs = ({ name }: InstalledShim) => name === "containerd-shim-ebb-v2";

const shims = installedShims();
test("a shim is installed to test against", { skip: shims.length === 0 && "no shim is installed" }, () => {});

test("no two cases have the same name", () => {
  const names = allCases.map(({ name }) => name);
  assert.deepEqual(
    names.filter((name, at) => names.indexOf(name) !== at),
    [],
  );
});

const suites = await Promise.all(
  noContainers === false
    ? shims.map(async (shim) => {
        const binary = resolveShimBinary(shim.runtime);
        return { shim, suite: await Suite.open({ binary }, { promises: isOurs(shim) }) };
      })
    : [],
);
after(async () => {
  for (const { suite } of suites) await suite.close();
});

const possible = (one: ConformanceCase) => one.whyNot?.() ?? false;
const work = suites.flatMap(({ shim, suite }) =>
  allCases.filter((one) => suite.isClaimed(one)).map((one) => ({ shim, suite, one, skip: possible(one) })),
);
const results = startCases(
  work.filter(({ skip }) => skip === false),
  JOBS,
);

test("conformance", { skip: noContainers }, () => {});

for (const { shim, suite } of suites) {
  describe(`conformance of ${shim.name}`, () => {
    test("every known difference is one of a case", () => {
      const names = new Set(allCases.map(({ name }) => name));
      assert.deepEqual(
        [...suite.differences.keys()].filter((name) => !names.has(name)),
        [],
      );
    });

    for (const { one, skip } of work.filter((item) => item.suite === suite)) {
      const difference = suite.differences.get(one.name);
      test(difference === undefined ? one.name : `${one.name}: differs`, { skip }, async () => {
        const { outcome, message } = await results(suite, one);
        if (outcome === "failed") assert.fail(message);
        const stale = outcome === "passed" && difference !== undefined && !difference.sometimes;
        assert.ok(!stale, "it is listed as a difference, and passes");
      });
    }
  });
}

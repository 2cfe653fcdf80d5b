import assert from "node:assert/strict";
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { hasCode, StatusCode, StatusError } from "../../src/base/status.ts";
import { prepareRootfs } from "../../src/client/rootfs.ts";
import { type Step, step } from "../../src/client/steps.ts";
import { scratchDir } from "./support.ts";

const dir = scratchDir();
const lower = path.join(dir, "lower");
mkdirSync(lower);
writeFileSync(path.join(dir, "file"), "");

describe("the mounts of a rootfs", () => {
  test("are an overlay with a layer of its own, which is made and removed", async () => {
    const layer = path.join(dir, "ns", "layer");
    const rootfs = await prepareRootfs({ kind: "overlay", lower }, layer);
    const options = [
      `workdir=${path.join(layer, "work")}`,
      `upperdir=${path.join(layer, "upper")}`,
      `lowerdir=${lower}`,
    ];
    assert.deepEqual(rootfs.mounts, [{ type: "overlay", source: "overlay", options }]);
    assert.equal(statSync(layer).mode & 0o777, 0o700);
    assert.equal(statSync(path.join(layer, "upper")).mode & 0o777, 0o755);
    await rootfs.remove();
    assert.equal(existsSync(layer), false);
  });

  test("are an overlay with a layer that was given, which stays", async () => {
    const [upper, work] = [path.join(dir, "u"), path.join(dir, "w")];
    const rootfs = await prepareRootfs({ kind: "overlay", lower, upper, work }, path.join(dir, "unused"));
    assert.deepEqual(rootfs.mounts[0]?.options, [
      `workdir=${work}`,
      `upperdir=${upper}`,
      `lowerdir=${lower}`,
    ]);
    await rootfs.remove();
    assert.ok(existsSync(upper) && existsSync(work));
    assert.equal(existsSync(path.join(dir, "unused")), false);
  });

  for (const [readOnly, flag] of [
    [undefined, "rw"],
    [false, "rw"],
    [true, "ro"],
  ] as const) {
    test(`are a bind that is ${flag} where readOnly is ${readOnly}`, async () => {
      const source = {
        kind: "bind",
        source: lower,
        ...(readOnly === undefined ? {} : { readOnly }),
      } as const;
      const { mounts } = await prepareRootfs(source, dir);
      assert.deepEqual(mounts, [{ type: "bind", source: lower, options: ["rbind", flag] }]);
    });
  }

  test("are those that were given, unchanged", async () => {
    const mounts = [{ type: "tmpfs", source: "tmpfs", options: ["size=1m"] }];
    const rootfs = await prepareRootfs({ kind: "mounts", mounts }, dir);
    assert.equal(rootfs.mounts, mounts);
    await rootfs.remove();
  });

  test("take a relative directory as below this process's own", async () => {
    const { mounts } = await prepareRootfs(
      { kind: "bind", source: path.relative(process.cwd(), lower) },
      dir,
    );
    assert.equal(mounts[0]?.source, lower);
  });

  const refused: [title: string, directory: string, code: StatusCode][] = [
    ["is not there", path.join(dir, "none"), StatusCode.notFound],
    ["is a file", path.join(dir, "file"), StatusCode.invalidArgument],
  ];
  for (const [title, directory, code] of refused) {
    for (const kind of ["overlay", "bind"] as const) {
      test(`are refused for a ${kind} of what ${title}, naming it`, async () => {
        const source = kind === "bind" ? { kind, source: directory } : { kind, lower: directory };
        await assert.rejects(prepareRootfs(source, path.join(dir, "unused")), (error: unknown) => {
          assert.ok(hasCode(error, code), String(error));
          return error.message.includes(directory);
        });
        assert.equal(existsSync(path.join(dir, "unused")), false);
      });
    }
  }

  for (const character of [",", ":", "\\"]) {
    test(`are refused for an overlay whose path holds ${character}`, async () => {
      const upper = `${dir}/a${character}b`;
      const source = { kind: "overlay", lower, upper, work: `${dir}/w` } as const;
      await assert.rejects(prepareRootfs(source, dir), (error: unknown) =>
        hasCode(error, StatusCode.invalidArgument),
      );
      assert.equal(existsSync(upper), false);
    });
  }
});

describe("a step", () => {
  test("is told as it begins and as it ends, and has its work's result", async () => {
    const told: Step[] = [];
    assert.equal(
      await step(
        "create",
        (one) => told.push(one),
        async () => 42,
      ),
      42,
    );
    assert.deepEqual(
      told.map(({ name, state }) => [name, state]),
      [
        ["create", "begun"],
        ["create", "ended"],
      ],
    );
    assert.ok(told[1]?.state === "ended" && told[1].durationMs >= 0 && told[1].error === undefined);
  });

  test("that fails is told with its error, and throws the original one", async () => {
    const told: Step[] = [];
    const thrown = new RangeError("too far");
    const failing = step(
      "wait",
      (one) => told.push(one),
      () => Promise.reject(thrown),
    );
    await assert.rejects(failing, (error: unknown) => error === thrown);
    assert.ok(told[1]?.state === "ended" && told[1].error instanceof StatusError);
    assert.equal(told[1].error.message, "too far");
  });

  test("needs no listener", async () => {
    assert.equal(await step("start", undefined, async () => "done"), "done");
  });
});

import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { findShims, inPath, labelOf, referenceOf, shimFiles } from "../../bench/shims.ts";
import { scratchDir } from "../client/support.ts";
import { script } from "../support/files.ts";

const VERSION = 'echo "$0:"; echo "  Version:  1.6.20~ds1"; echo "  Revision: 1.6.20~ds1-1"';

/** A directory of PATH with programs in it. */
function directory(parent: string, name: string, programs: readonly string[]): string {
  const dir = path.join(parent, name);
  mkdirSync(dir);
  for (const program of programs) script(dir, program, VERSION);
  return dir;
}

describe("the shims to measure", () => {
  const dir = scratchDir();
  const runc = "containerd-shim-runc-v2";
  const first = directory(dir, "first", [runc, "containerd-shim-runc-v1", "containerd", "containerd-shim"]);
  const second = directory(dir, "second", [runc, "containerd-shim-other-v2"]);
  const link = path.join(dir, "link");
  symlinkSync(first, link);
  const env = { PATH: [first, link, "", path.join(dir, "missing"), second].join(":") };

  test("are those in PATH, in its order", async () => {
    assert.deepEqual(await inPath(env), [
      path.join(first, runc),
      path.join(link, runc),
      path.join(second, "containerd-shim-other-v2"),
      path.join(second, runc),
    ]);
  });

  test("are each there once, whatever path leads to them", () => {
    assert.deepEqual(shimFiles([path.join(link, runc), path.join(first, runc), path.join(dir, "none")]), [
      path.join(first, runc),
    ]);
  });

  test("are those asked for as well, with name and version, and the first of containerd's is the reference", async () => {
    const asked = directory(dir, "asked", [runc]);
    const shims = await findShims([path.join(asked, runc), path.join(first, runc)], env);
    const others = shims.filter(({ ours }) => !ours);
    assert.deepEqual(
      others.map(({ binary }) => path.relative(dir, binary)),
      [`first/${runc}`, "second/containerd-shim-other-v2", `second/${runc}`, `asked/${runc}`],
    );
    assert.equal(others[0]?.label, `${runc} 1.6.20`);
    assert.equal(referenceOf(shims), others[0]);
  });

  test("have no reference where containerd's is not among them", () => {
    assert.equal(referenceOf([{ binary: "/x/containerd-shim-ebb-v2", label: "", ours: true }]), undefined);
  });
});

describe("a shim's label", () => {
  for (const [what, text, expected] of [
    ["has the version without what a distribution adds", "x:\n  Version:  1.7.24~ds1\n", "x 1.7.24"],
    ["has a version without its letter", "x:\n  Version: v2.1.9+unknown\n", "x 2.1.9"],
    ["is the name where no version is told", "", "x"],
  ] as const) {
    test(what, () => assert.equal(labelOf("x", text), expected));
  }
});

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { programName, resolveShimBinary } from "../../src/client/shim-binary.ts";
import { script } from "../support/files.ts";
import { scratchDir } from "./support.ts";

const dir = scratchDir();
const first = path.join(dir, "first");
const second = path.join(dir, "second");
mkdirSync(first);
mkdirSync(second);
const shim = script(second, "containerd-shim-test-v2", "exit 0");
writeFileSync(path.join(first, "containerd-shim-test-v2"), "not executable", { mode: 0o644 });
mkdirSync(path.join(first, "containerd-shim-dir-v2"));
const env = { PATH: `${first}::${second}` };

describe("the program of a runtime", () => {
  const names: [runtime: string, program: string][] = [
    ["io.containerd.runc.v2", "containerd-shim-runc-v2"],
    ["io.containerd.ebb.v2", "containerd-shim-ebb-v2"],
    ["io.containerd.kata-qemu.v2", "containerd-shim-kata-qemu-v2"],
    ["com.example.x.v10", "containerd-shim-x-v10"],
    ["containerd-shim-runc-v2", "containerd-shim-runc-v2"],
    ["myshim", "myshim"],
    ["my.shim", "my.shim"],
  ];
  for (const [runtime, program] of names) {
    test(`is ${program} for ${runtime}`, () => assert.equal(programName(runtime), program));
  }

  for (const runtime of ["", "a b", "$(reboot)", "a\0b"]) {
    test(`is an error for ${JSON.stringify(runtime)}`, () => {
      assert.throws(
        () => programName(runtime),
        (e: unknown) => hasCode(e, StatusCode.invalidArgument),
      );
    });
  }
});

describe("looking for a shim", () => {
  test("finds it in PATH, past what may not be executed", () => {
    assert.equal(resolveShimBinary("io.containerd.test.v2", env), shim);
    assert.equal(resolveShimBinary("containerd-shim-test-v2", env), shim);
  });

  test("takes a path as it is", () => {
    assert.equal(resolveShimBinary(shim, {}), shim);
    assert.equal(resolveShimBinary(path.relative(process.cwd(), shim), {}), shim);
  });

  const missing: [title: string, runtime: string, code: StatusCode, message: RegExp][] = [
    [
      "a runtime that is not installed",
      "io.containerd.none.v2",
      StatusCode.notFound,
      /containerd-shim-none-v2 \(for runtime io\.containerd\.none\.v2\) is not in PATH/,
    ],
    ["a program that is not installed", "none", StatusCode.notFound, /shim none is not in PATH/],
    ["a directory of that name", "io.containerd.dir.v2", StatusCode.notFound, /is not in PATH/],
    ["a path that does not exist", "/no/where", StatusCode.notFound, /\/no\/where does not exist/],
    ["a path to a directory", dir, StatusCode.permissionDenied, /is not a file/],
    [
      "a path to no program",
      path.join(first, "containerd-shim-test-v2"),
      StatusCode.permissionDenied,
      /may not be executed/,
    ],
  ];
  for (const [title, runtime, code, message] of missing) {
    test(`says what is missing: ${title}`, () => {
      const thrown = (error: unknown) => hasCode(error, code) && message.test(error.message);
      assert.throws(() => resolveShimBinary(runtime, env), thrown);
    });
  }
});

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusCode, StatusError } from "../../src/base/status.ts";
import { ExitStatus, statusOfFailure, UsageError } from "../../src/client/cli/exit-status.ts";
import { checkRunFlags, type RunFlags, stateDir } from "../../src/client/cli/run-options.ts";
import { scratchDir, script } from "./support.ts";

const dir = scratchDir();
const shim = script(dir, "shim", "exit 0");
const good: RunFlags = { rootfs: dir, runtime: shim, namespace: "default" };

describe("the flags of ebb run", () => {
  test("have defaults", () => {
    const { id, ...rest } = checkRunFlags(good);
    assert.match(id, /^ebb-[0-9a-f]{8}$/);
    assert.deepEqual(rest, {
      rootfs: dir,
      runtime: shim,
      namespace: "default",
      env: [],
      cwd: "/",
      readOnly: false,
      shimLog: false,
    });
  });

  test("get another random id each time", () => {
    assert.notEqual(checkRunFlags(good).id, checkRunFlags(good).id);
  });

  const wrong: [title: string, flags: Partial<RunFlags>, message: RegExp][] = [
    ["a rootfs that does not exist", { rootfs: "/no/where" }, /^--rootfs \/no\/where does not exist/],
    ["a rootfs that is a file", { rootfs: shim }, /^--rootfs .* is no directory/],
    ["a shim that is not installed", { runtime: "io.containerd.none.v2" }, /^--runtime: .*none/],
    ["a runtime that is no name", { runtime: "a b" }, /^--runtime: /],
    ["a namespace that is no identifier", { namespace: "a/b" }, /^--namespace: .*"a\/b"/],
    ["a name that is no identifier", { name: "../x" }, /^--name: .*"\.\.\/x"/],
    ["an empty name", { name: "" }, /^--name: /],
    ["a variable without a value", { env: ["A=1", "B"] }, /^--env takes NAME=VALUE, not "B"/],
    ["a variable without a name", { env: ["=1"] }, /^--env takes NAME=VALUE/],
    ["a relative working directory", { cwd: "tmp" }, /^--cwd must be an absolute path/],
  ];
  for (const [title, flags, message] of wrong) {
    test(`are refused by name for ${title}`, () => {
      const thrown = (error: unknown) => error instanceof UsageError && message.test(error.message);
      assert.throws(() => checkRunFlags({ ...good, ...flags }), thrown);
    });
  }
});

describe("the state directory", () => {
  test("is /run/ebb unless EBB_STATE names another", () => {
    assert.equal(stateDir({}), "/run/ebb");
    assert.equal(stateDir({ EBB_STATE: "" }), "/run/ebb");
    assert.equal(stateDir({ EBB_STATE: "/x/y" }), "/x/y");
  });

  test("is refused where it is relative", () => {
    assert.throws(() => stateDir({ EBB_STATE: "x" }), /EBB_STATE must be an absolute path/);
  });
});

describe("the exit status of a run that failed", () => {
  const runc = (text: string) => new StatusError(StatusCode.unknown, `runc create failed: ${text}`);
  const cases: [title: string, error: unknown, program: string, status: number][] = [
    ["a mistake in the command line", new UsageError("--env"), "sh", ExitStatus.usage],
    [
      "a program that is not in PATH",
      runc('exec: "nope": executable file not found in $PATH'),
      "nope",
      ExitStatus.notFound,
    ],
    [
      "a path that does not exist",
      runc('exec: "/nope": stat /nope: no such file or directory'),
      "/nope",
      ExitStatus.notFound,
    ],
    ["crun's word for it", runc("executable file `nope` not found in $PATH"), "nope", ExitStatus.notFound],
    [
      "a file that may not be executed",
      runc('exec: "/etc/passwd": permission denied'),
      "/etc/passwd",
      ExitStatus.notExecutable,
    ],
    ["a directory", runc('exec: "/etc": is a directory'), "/etc", ExitStatus.notExecutable],
    ["another file that is missing", runc("open /x/y: no such file or directory"), "sh", ExitStatus.failure],
    ["anything else", new Error("boom"), "sh", ExitStatus.failure],
    ["what is no error", "boom", "sh", ExitStatus.failure],
  ];
  for (const [title, error, program, status] of cases) {
    test(`is ${status} for ${title}`, () => assert.equal(statusOfFailure(error, program), status));
  }
});

test("a path for --rootfs may be relative", () => {
  writeFileSync(path.join(dir, "x"), "");
  assert.equal(checkRunFlags({ ...good, rootfs: path.relative(process.cwd(), dir) }).rootfs, dir);
});

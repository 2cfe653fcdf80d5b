import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode, StatusError } from "../../../src/base/status.ts";
import { ExitStatus, statusOfFailure, UsageError } from "../../../src/client/cli/exit-status.ts";

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

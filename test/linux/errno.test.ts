import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { errnoError, errnoName, fsError } from "../../src/linux/errno.ts";

describe("an errno becomes a StatusError that names the call", () => {
  const rows: [number, string, StatusCode][] = [
    [1, "EPERM", StatusCode.permissionDenied],
    [2, "ENOENT", StatusCode.notFound],
    [3, "ESRCH", StatusCode.notFound],
    [10, "ECHILD", StatusCode.notFound],
    [11, "EAGAIN", StatusCode.unavailable],
    [12, "ENOMEM", StatusCode.resourceExhausted],
    [13, "EACCES", StatusCode.permissionDenied],
    [16, "EBUSY", StatusCode.failedPrecondition],
    [17, "EEXIST", StatusCode.alreadyExists],
    [19, "ENODEV", StatusCode.notFound],
    [22, "EINVAL", StatusCode.invalidArgument],
    [28, "ENOSPC", StatusCode.resourceExhausted],
    [38, "ENOSYS", StatusCode.unimplemented],
    [5, "EIO", StatusCode.unknown],
  ];
  for (const [errno, name, code] of rows) {
    test(name, () => {
      assert.equal(errnoName(errno), name);
      const err = errnoError("mount a on /b", errno);
      assert.equal(err.code, code);
      assert.equal(err.message, `mount a on /b: ${name}`);
    });
  }

  test("a number that is none is still told", () => {
    assert.equal(errnoError("do it", 12345).message, "do it: errno 12345");
  });
});

describe("what node:fs throws", () => {
  test("is told by its code", () => {
    const err = fsError("open fifo /x", Object.assign(new Error("long text"), { code: "ENOENT" }));
    assert.equal(err.code, StatusCode.notFound);
    assert.equal(err.message, "open fifo /x: ENOENT");
  });

  test("without an errno passes the usual gate", () => {
    const err = fsError("open", new TypeError("bad"));
    assert.equal(err.code, StatusCode.internal);
    assert.equal(err.message, "bad");
  });
});

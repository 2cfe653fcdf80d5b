import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OpenFiles } from "../../src/linux/open-files.ts";
import { FakeLibc } from "./fake-libc.ts";

const emfile = Object.assign(new Error("too many open files"), { code: "EMFILE" });

describe("the limit on open files", () => {
  test("is raised for this process, is as it was given for what it starts, and is given back", () => {
    const libc = new FakeLibc();
    const given = libc.openFiles;
    const { hard } = given;
    const openFiles = new OpenFiles(libc);
    for (let n = 0; n < 2; n += 1) {
      assert.deepEqual(
        openFiles.start(() => libc.openFiles),
        given,
      );
      assert.deepEqual(libc.openFiles, { soft: hard, hard });
    }
    assert.throws(() =>
      openFiles.start(() => {
        throw new Error("no such program");
      }),
    );
    assert.deepEqual(libc.openFiles, { soft: hard, hard });
    openFiles.close();
    assert.deepEqual(libc.openFiles, given);
  });

  test("keeps no program from being started where more is open than was given", () => {
    const libc = new FakeLibc();
    const started = new OpenFiles(libc).start(() => {
      if (libc.openFiles.soft !== libc.openFiles.hard) throw emfile;
      return "started";
    });
    assert.equal(started, "started");
  });
});

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { containerd } from "../../src/proto/index.ts";
import { forgetEnd, readDeleted, writeDeleted } from "../../src/shim/end-of-container.ts";
import { withTempDir } from "../support/files.ts";

const record = { pid: 4_194_304, status: 137, at: new Date("2026-01-02T03:04:05.678Z") };

describe("that a container was deleted", () => {
  test("is read as it was written, as an answer of the delete command", async () => {
    await withTempDir((dir) => {
      writeDeleted(dir, record);
      const { pid, exitStatus, exitedAt } = containerd.task.v2.DeleteResponse.decode(
        readDeleted(dir) ?? new Uint8Array(),
      );
      assert.deepEqual([pid, exitStatus], [record.pid, record.status]);
      assert.equal(Number(exitedAt?.seconds) * 1_000 + Number(exitedAt?.nanos) / 1e6, record.at.getTime());
    });
  });

  test("is written so that a shell can write it out", async () => {
    await withTempDir((dir) => {
      writeDeleted(dir, { ...record, pid: 8 });
      assert.match(
        fs.readFileSync(path.join(dir, "deleted"), "utf8"),
        /^\\0010\\0010\\0020\\0211\\0001\\0032/,
      );
    });
  });

  test("is not said of a bundle that says nothing of it, or forgets it", async () => {
    await withTempDir((dir) => {
      assert.equal(readDeleted(dir), undefined);
      writeDeleted(dir, record);
      for (let times = 0; times < 2; times++) forgetEnd(dir);
      assert.equal(readDeleted(dir), undefined);
    });
  });

  for (const text of ["", "\n", "\\0010", "\\0010\\8\n", "\\0400\n", "\\010\n", "x\n", "\\0010 \n"]) {
    test(`is nothing that is ${JSON.stringify(text)}`, async () => {
      await withTempDir((dir) => {
        fs.writeFileSync(path.join(dir, "deleted"), text);
        assert.throws(() => readDeleted(dir), /\/deleted: no octal escapes$/);
      });
    });
  }
});

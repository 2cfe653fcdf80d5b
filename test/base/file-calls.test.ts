import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import {
  close,
  exactStat,
  fchown,
  fstat,
  open,
  read,
  readdir,
  readlink,
  readText,
  realpath,
} from "../../src/base/file-calls.ts";

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-descriptors-"));
after(() => fs.rmSync(dir, { recursive: true }));

describe("a file", () => {
  test("is looked at, read, found by its name and resolved", async () => {
    const place = fs.mkdtempSync(path.join(dir, "place-"));
    const file = path.join(place, "file");
    fs.writeFileSync(file, "grün");
    fs.symlinkSync("file", path.join(place, "link"));
    assert.deepEqual((await readdir(place)).sort(), ["file", "link"]);
    assert.equal(await readText(path.join(place, "link")), "grün");
    assert.equal(await readlink(path.join(place, "link")), "file");
    assert.equal(await realpath(path.join(place, "link")), fs.realpathSync(file));
    assert.equal((await exactStat(file)).ino, fs.statSync(file, { bigint: true }).ino);
  });
});

describe("a descriptor", () => {
  test("is opened, looked at, read and closed", async () => {
    const file = path.join(dir, "file");
    fs.writeFileSync(file, "some text");
    const fd = await open(file, fs.constants.O_RDONLY);
    assert.equal((await fstat(fd)).size, 9);
    const buffer = Buffer.alloc(8, ".");
    assert.equal(await read(fd, buffer, 1, 4), 4);
    assert.equal(await read(fd, buffer, 5, 3), 3);
    assert.equal(buffer.toString(), ".some te");
    await fchown(fd, process.geteuid?.() ?? 0, process.getegid?.() ?? 0);
    await close(fd);
    await assert.rejects(fstat(fd), { code: "EBADF" });
  });

  const nothing = path.join(dir, "nothing");
  const failures: readonly [string, () => Promise<unknown>, string][] = [
    ["a file that is not there", () => open(nothing, fs.constants.O_RDONLY), "ENOENT"],
    ["one that is not open, to read it", () => read(9999, Buffer.alloc(1), 0, 1), "EBADF"],
    ["one that is not open, to close it", () => close(9999), "EBADF"],
    ["a file that is not there, to look at it", () => exactStat(nothing), "ENOENT"],
    ["a file that is not there, to read it", () => readText(nothing), "ENOENT"],
    ["a file that is not there, to resolve it", () => realpath(nothing), "ENOENT"],
    ["a directory that is not there", () => readdir(nothing), "ENOENT"],
    ["what is no link", () => readlink(dir), "EINVAL"],
    ["one that is not open, to give it away", () => fchown(9999, 0, 0), "EBADF"],
  ];
  for (const [what, call, code] of failures) {
    test(`is refused by the errno's name for ${what}`, () => assert.rejects(call(), { code }));
  }
});

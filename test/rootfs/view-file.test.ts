import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { readInView } from "../../src/rootfs/view-file.ts";

const top = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-view-file-"));
after(() => fs.rmSync(top, { recursive: true }));
const rootfs = path.join(top, "rootfs");

/** Whoever leaves the rootfs finds this. */
fs.mkdirSync(path.join(top, "etc"));
fs.writeFileSync(path.join(top, "etc/passwd"), "of the host");
fs.writeFileSync(path.join(top, "secret"), "of the host");
for (const dir of ["etc", "usr/etc", "deep/er"]) fs.mkdirSync(path.join(rootfs, dir), { recursive: true });
fs.writeFileSync(path.join(rootfs, "etc/passwd"), "of the image");
fs.writeFileSync(path.join(rootfs, "usr/etc/group"), "group");
fs.writeFileSync(path.join(rootfs, "empty"), "");
execFileSync("mkfifo", [path.join(rootfs, "fifo")]);
const links: Readonly<Record<string, string>> = {
  absolute: "/etc/passwd",
  climbing: "../../../../etc/passwd",
  "deep/er/up": "../../etc/passwd",
  "deep/er/too-far": "../../../../etc/passwd",
  chain: "absolute",
  "lib-etc": "usr/etc",
  "absolute-dir": "/usr/etc/",
  self: "self",
  ping: "pong",
  pong: "ping",
  outside: path.join(top, "secret"),
  "proc-root": "/proc/self/root/etc/passwd",
  "to-fifo": "fifo",
  dots: "././/etc/./passwd",
};
for (const [name, target] of Object.entries(links)) fs.symlinkSync(target, path.join(rootfs, name));
for (let n = 0; n <= 41; n += 1)
  fs.symlinkSync(n === 0 ? "etc/passwd" : `l${n - 1}`, path.join(rootfs, `l${n}`));

const openFiles = () => fs.readdirSync("/proc/self/fd").length;

describe("a file of a rootfs", () => {
  const found: [file: string, text: string][] = [
    ["/etc/passwd", "of the image"],
    ["etc/passwd", "of the image"],
    ["/absolute", "of the image"],
    ["/climbing", "of the image"],
    ["/deep/er/up", "of the image"],
    ["/deep/er/too-far", "of the image"],
    ["/deep/er/../../etc/passwd", "of the image"],
    ["/../../etc/passwd", "of the image"],
    ["/chain", "of the image"],
    ["/dots", "of the image"],
    ["/l39", "of the image"],
    ["/lib-etc/group", "group"],
    ["/absolute-dir/group", "group"],
    ["/absolute-dir/../../etc/passwd", "of the image"],
    ["/empty", ""],
  ];
  for (const [file, text] of found) {
    test(`${file} is found inside`, async () => {
      const before = openFiles();
      assert.equal((await readInView(rootfs, file, 100)).toString(), text);
      assert.equal(openFiles(), before);
    });
  }

  const refused: [file: string, code: StatusCode, message: RegExp][] = [
    ["/outside", StatusCode.notFound, /\/outside of the rootfs: ENOENT/],
    ["/proc-root", StatusCode.notFound, /ENOENT/],
    ["/missing", StatusCode.notFound, /ENOENT/],
    ["/etc/passwd/x", StatusCode.invalidArgument, /ENOTDIR/],
    ["/etc", StatusCode.invalidArgument, /\/etc is not a regular file/],
    ["/", StatusCode.invalidArgument, /not a regular file/],
    ["", StatusCode.invalidArgument, /not a regular file/],
    ["/fifo", StatusCode.invalidArgument, /\/fifo is not a regular file/],
    ["/to-fifo", StatusCode.invalidArgument, /not a regular file/],
    ["/self", StatusCode.invalidArgument, /\/self leads through more than 40 links/],
    ["/ping", StatusCode.invalidArgument, /more than 40 links/],
    ["/l40", StatusCode.invalidArgument, /more than 40 links/],
    [`${"/deep/..".repeat(200)}/empty`, StatusCode.invalidArgument, /more than 255 names/],
    ["/etc\0/passwd", StatusCode.invalidArgument, /zero byte/],
    [`/${"n".repeat(300)}`, StatusCode.invalidArgument, /ENAMETOOLONG/],
  ];
  for (const [file, code, message] of refused) {
    test(`${JSON.stringify(file.slice(0, 30))} is refused, and nothing stays open`, async () => {
      const before = openFiles();
      await assert.rejects(
        readInView(rootfs, file, 100),
        (err: Error) => hasCode(err, code) && message.test(err.message),
      );
      assert.equal(openFiles(), before);
    });
  }

  test("is read up to the limit, and refused beyond", async () => {
    fs.writeFileSync(path.join(rootfs, "large"), "x".repeat(100));
    assert.equal((await readInView(rootfs, "large", 100)).length, 100);
    await assert.rejects(
      readInView(rootfs, "large", 99),
      (err: Error) =>
        hasCode(err, StatusCode.resourceExhausted) && err.message === "large has more than 99 bytes",
    );
  });

  test("is no device", { skip: process.getuid?.() === 0 ? false : "needs root" }, async () => {
    execFileSync("mknod", [path.join(rootfs, "zero"), "c", "1", "5"]);
    await assert.rejects(readInView(rootfs, "zero", 100), /not a regular file/);
  });
});

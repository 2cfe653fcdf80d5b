import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { archive, directory, file, hardlink, symlink } from "./archive.ts";
import { extract, list, notRoot, scratch, xattrsOf } from "./scratch.ts";

const place = scratch();
const skip = notRoot;

describe("unpacking a layer", { skip }, () => {
  test("makes files of every kind with their modes, owners and times", async () => {
    const dir = place.make();
    await extract(
      archive(
        directory("d/", { mode: 0o1777, mtime: 1_000 }),
        file("d/setuid", "x", { mode: 0o4755, uid: 70_000, gid: 3_000_000_000, mtime: 1_500_000_000 }),
        symlink("d/link", "/etc/passwd"),
        symlink("d/up", "../../../etc/passwd"),
        hardlink("d/hard", "d/setuid"),
        hardlink("d/hardlink-of-link", "d/up"),
        { name: "d/fifo", type: "6", mode: 0o600 },
        { name: "d/null", type: "3", major: 1, minor: 3, mode: 0o666 },
        { name: "d/loop", type: "4", major: 7, minor: 0, mode: 0o660, gid: 6 },
        file("d/fraction", "", { pax: { mtime: "1234.75" } }),
        file("d/before", "", { pax: { mtime: "-5", uid: "4000000000" } }),
      ),
      dir,
    );
    assert.deepEqual(list(dir), [
      "d directory",
      "d/before file",
      "d/fifo fifo",
      "d/fraction file",
      "d/hard file x",
      "d/hardlink-of-link -> ../../../etc/passwd",
      "d/link -> /etc/passwd",
      "d/loop block 7:0",
      "d/null char 1:3",
      "d/setuid file x",
      "d/up -> ../../../etc/passwd",
    ]);
    const stat = (name: string) => fs.lstatSync(path.join(dir, name));
    const { mode, uid, gid, nlink, mtimeMs } = stat("d/setuid");
    assert.deepEqual(
      { mode, uid, gid, nlink, mtimeMs },
      { mode: 0o104755, uid: 70_000, gid: 3_000_000_000, nlink: 2, mtimeMs: 1_500_000_000_000 },
    );
    assert.equal(stat("d").mode, 0o41777);
    assert.equal(stat("d").mtimeMs, 1_000_000);
    assert.equal(stat("d/fraction").mtimeMs, 1_234_750);
    assert.equal(stat("d/before").mtimeMs, -5_000);
    assert.equal(stat("d/before").uid, 4_000_000_000);
    assert.equal(stat("d/loop").gid, 6);
  });

  test("keeps extended attributes byte for byte, and drops those of the mount and of the host", async () => {
    const dir = place.make();
    // Version 2, effective, all bits set: bytes that are no UTF-8, and NULs.
    const capability = "\x01\0\0\x02\xff\xff\xff\xff\0\0\0\0\xff\x01\0\0\0\0\0\0";
    const pax = {
      "SCHILY.xattr.security.capability": capability,
      "SCHILY.xattr.user.note": "a=b\nc",
      "SCHILY.xattr.trusted.overlay.redirect": "/etc",
      "SCHILY.xattr.user.overlay.opaque": "y",
      "SCHILY.xattr.security.selinux": "label",
    };
    await extract(archive(file("ping", "x", { mode: 0o755, uid: 5, pax })), dir);
    const hex = Buffer.from(capability, "latin1").toString("hex");
    assert.deepEqual(await xattrsOf(path.join(dir, "ping")), [
      `security.capability=${hex}`,
      "user.note=613d620a63",
    ]);
  });

  test("takes long names in every form, and names that are no UTF-8", async () => {
    const dir = place.make();
    const long = `${"a".repeat(200)}/${"b".repeat(200)}`;
    await extract(
      archive(
        file("short", "pax", { pax: { path: `p/${long}` } }),
        file("short", "gnu", { longName: `g/${long}` }),
        file("both", "pax first", { longName: "gnu", pax: { path: "pax" } }),
        { ...symlink("s", "short"), longTarget: long },
        { ...hardlink("h", "short"), pax: { linkpath: `p/${long}` } },
        file("caf\xe9", "latin1"),
      ),
      dir,
    );
    assert.equal(fs.readFileSync(path.join(dir, "p", long), "utf8"), "pax");
    assert.equal(fs.readFileSync(path.join(dir, "g", long), "utf8"), "gnu");
    assert.equal(fs.readFileSync(path.join(dir, "pax"), "utf8"), "pax first");
    assert.equal(fs.readlinkSync(path.join(dir, "s")), long);
    assert.equal(fs.readFileSync(path.join(dir, "h"), "utf8"), "pax");
    const names = fs.readdirSync(dir, { encoding: "buffer" }).map((name) => name.toString("latin1"));
    assert.ok(names.includes("caf\xe9"), names.join());
  });

  test("makes directories that are implied, and gives them what a later entry says", async () => {
    const dir = place.make();
    await extract(archive(file("a/b/c", ""), directory("a", { mode: 0o700, uid: 7, mtime: 9 })), dir);
    const stat = fs.statSync(path.join(dir, "a"));
    assert.deepEqual([stat.mode, stat.uid, stat.mtimeMs], [0o40700, 7, 9_000]);
    assert.equal(fs.statSync(path.join(dir, "a/b")).mode, 0o40755);
  });

  test("gives the root what the archive says of it", async () => {
    const dir = place.make();
    await extract(archive(directory("./", { mode: 0o711, uid: 8 }), file("./a", "")), dir);
    const stat = fs.statSync(dir);
    assert.deepEqual([stat.mode, stat.uid], [0o40711, 8]);
  });

  test("takes the later of two entries of one name, and leaves its links", async () => {
    const dir = place.make();
    await extract(
      archive(
        file("a", "first"),
        hardlink("b", "a"),
        file("a", "second"),
        symlink("c", "a"),
        symlink("c", "a"),
      ),
      dir,
    );
    assert.deepEqual(list(dir), ["a file second", "b file first", "c -> a"]);
  });

  test("takes a symlink for a file in its place, wherever it leads", async () => {
    const dir = place.make();
    await extract(
      archive(file("a", "x"), symlink("a", "/far"), symlink("b", "/far"), hardlink("c", "b")),
      dir,
    );
    assert.deepEqual(list(dir), ["a -> /far", "b -> /far", "c -> /far"]);
  });

  test("takes a leading slash as the layer's root", async () => {
    const dir = place.make();
    await extract(archive(file("/a/b", "x"), hardlink("//a/c", "/a/b")), dir);
    assert.deepEqual(list(dir), ["a directory", "a/b file x", "a/c file x"]);
  });
});

const OPAQUE = "trusted.overlay.opaque=79";

describe("what a layer hides", { skip }, () => {
  test("becomes a device 0:0, wherever in the archive it is said", async () => {
    const dir = place.make();
    await extract(archive(file("a/.wh.gone", ""), directory("a"), file(".wh.top", "")), dir);
    assert.deepEqual(list(dir), ["a directory", "a/gone char 0:0", "top char 0:0"]);
    assert.deepEqual(await xattrsOf(path.join(dir, "a")), []);
  });

  for (const [how, order] of [
    ["before", (hide: string) => [file(hide), directory("d", { mode: 0o700 }), file("d/own", "x")]],
    ["between", (hide: string) => [directory("d", { mode: 0o700 }), file(hide), file("d/own", "x")]],
    ["after", (hide: string) => [directory("d", { mode: 0o700 }), file("d/own", "x"), file(hide)]],
  ] as const) {
    for (const hide of ["d/.wh..wh..opq", ".wh.d"]) {
      test(`is only below: ${hide} ${how} the layer's own entries`, async () => {
        const dir = place.make();
        await extract(archive(...order(hide)), dir);
        assert.deepEqual(list(dir), ["d directory", "d/own file x"]);
        assert.deepEqual(await xattrsOf(path.join(dir, "d")), [OPAQUE]);
        assert.equal(fs.statSync(path.join(dir, "d")).mode, 0o40700);
      });
    }
    test(`is only below: a whiteout ${how} a file of that name`, async () => {
      const dir = place.make();
      const entries = [directory("d"), file("d/.wh.f"), file("d/f", "x")];
      await extract(archive(...(how === "after" ? entries.reverse() : entries)), dir);
      assert.deepEqual(list(dir), ["d directory", "d/f file x"]);
    });
  }

  test("is nothing more in a directory that is opaque, and nothing at all in the lowest layer", async () => {
    const [one, two] = [place.make(), place.make()];
    const bytes = archive(file("d/.wh..wh..opq"), file("d/.wh.f"), file("d/e/.wh.g"), file("d/e/own"));
    await extract(bytes, one);
    assert.deepEqual(list(one), ["d directory", "d/e directory", "d/e/own file"]);
    await extract(archive(file("d/.wh..wh..opq"), file(".wh.f")), two, { isLowest: true });
    assert.deepEqual(list(two), ["d directory"]);
    assert.deepEqual(await xattrsOf(path.join(two, "d")), []);
  });

  test("may be all below its root, which is told", async () => {
    const [one, two] = [place.make(), place.make()];
    assert.deepEqual(await extract(archive(file(".wh..wh..opq"), file("a")), one), { isOpaque: true });
    assert.deepEqual(await extract(archive(file("a")), two), { isOpaque: false });
    assert.deepEqual(list(one), ["a file"]);
  });

  test("leaves out what aufs kept in a layer", async () => {
    const dir = place.make();
    await extract(archive(directory(".wh..wh.plnk"), file(".wh..wh.plnk/1.2", "x"), file("a")), dir);
    assert.deepEqual(list(dir), ["a file"]);
  });
});

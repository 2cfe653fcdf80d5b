import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import zlib from "node:zlib";
import { StatusCode, StatusError } from "../../../src/base/status.ts";
import { archive, blocks, digestOf, directory, file, hardlink, type RawEntry, symlink } from "./archive.ts";
import { type Extraction, extract, list, notRoot, scratch, withEnvironment } from "./scratch.ts";

const place = scratch();
const skip = notRoot;

/** Unpacks what must be refused, beside a file that must stay as it is; resolves to the error. */
async function failure(bytes: Buffer, how: Extraction = {}): Promise<StatusError> {
  const around = place.make();
  const outside = path.join(around, "outside");
  const dir = path.join(around, "layer");
  fs.writeFileSync(outside, "untouched");
  fs.mkdirSync(dir);
  const err = await extract(bytes, dir, how).then(
    () => assert.fail(`unpacked: ${list(dir).join()}`),
    (thrown: unknown) => thrown,
  );
  assert.ok(err instanceof StatusError, String(err));
  assert.equal(fs.readFileSync(outside, "utf8"), "untouched");
  assert.deepEqual(fs.readdirSync(around).sort(), ["layer", "outside"]);
  return err;
}

const REFUSED: readonly [string, readonly RawEntry[], string][] = [
  [
    "a name with ..",
    [file("../outside", "x")],
    'entry "../outside": "../outside" leads out of a directory by ".."',
  ],
  [
    "a name with .. within",
    [file("a/../b", "x")],
    'entry "a/../b": "a/../b" leads out of a directory by ".."',
  ],
  [
    "an absolute name with ..",
    [file("/../outside")],
    'entry "/../outside": "/../outside" leads out of a directory by ".."',
  ],
  ["a long name with ..", [file("a", "", { longName: "b/../../outside" })], 'entry "b/../../outside": '],
  ["a pax name with ..", [file("a", "", { pax: { path: "../outside" } })], 'entry "../outside": '],
  ["no name", [file("")], 'entry "": no name'],
  [
    "a name with a NUL",
    [file("a", "", { pax: { path: "a\0b" } })],
    'entry "a\\u0000b": a name with a NUL in it',
  ],
  ["a file name too long", [file("a", "", { longName: "x".repeat(256) })], "a file name of 256 bytes"],
  ["a path too long", [file("a", "", { longName: "x/".repeat(2_100) })], "a name of 4200 bytes"],
  ["a symlink that is the root", [symlink(".", "/")], 'entry ".": the layer\'s root must be a directory'],
  [
    "a file through a symlink",
    [symlink("l", ".."), file("l/outside", "x")],
    'entry "l/outside": lies below "l", which is no directory',
  ],
  [
    "a directory through a symlink",
    [symlink("l", "/tmp"), directory("l/d")],
    'entry "l/d": lies below "l", which is no directory',
  ],
  [
    "a file through a symlink that comes by a hard link",
    [symlink("l", ".."), hardlink("m", "l"), file("m/outside", "x")],
    'entry "m/outside": lies below "m", which is no directory',
  ],
  [
    "a symlink in place of a directory",
    [directory("d"), symlink("d", ".."), file("d/outside", "x")],
    'entry "d": the same name for a directory and for something else',
  ],
  [
    "a directory in place of a symlink",
    [symlink("d", ".."), directory("d"), file("d/outside", "x")],
    'entry "d": the same name for a directory and for something else',
  ],
  [
    "a file in place of a symlink",
    [symlink("l", "../outside"), file("l", "x")],
    'entry "l": the same name for a symlink and for something else',
  ],
  [
    "a file in place of a hard link to a symlink",
    [symlink("l", "../outside"), hardlink("m", "l"), file("m", "x")],
    'entry "m": the same name for a symlink and for something else',
  ],
  [
    "a whiteout through a symlink",
    [symlink("l", ".."), file("l/.wh.outside")],
    'entry "l/.wh.outside": lies below "l", which is no directory',
  ],
  ["a file below a file", [file("f"), file("f/a")], 'entry "f/a": lies below "f", which is no directory'],
  [
    "a hard link to outside",
    [hardlink("h", "../outside")],
    'entry "h": "../outside" leads out of a directory by ".."',
  ],
  [
    "a hard link to a file of the host",
    [hardlink("h", "/etc/passwd")],
    'entry "h": a hard link to "/etc/passwd", which this layer does not have',
  ],
  [
    "a hard link through a symlink",
    [symlink("l", "/etc"), hardlink("h", "l/passwd")],
    'entry "h": a hard link to "l/passwd", which this layer does not have',
  ],
  [
    "a hard link to a directory",
    [directory("d"), hardlink("h", "d")],
    'entry "h": a hard link to the directory "d"',
  ],
  ["a hard link to itself", [file("h"), hardlink("h", "./h")], 'entry "h": a hard link to itself'],
  ["a symlink to nowhere", [symlink("l", "")], 'entry "l": a symlink to ""'],
  [
    "a symlink with a NUL",
    [{ ...symlink("l", "x"), pax: { linkpath: "a\0b" } }],
    'entry "l": a symlink to "a\\u0000b"',
  ],
  ["a whiteout of nothing", [file("d/.wh.")], 'entry "d/.wh.": a whiteout of what is no file name'],
  ["a whiteout of .", [file("d/.wh..")], 'entry "d/.wh..": a whiteout of what is no file name'],
  ["a whiteout of ..", [file("d/.wh...")], 'entry "d/.wh...": a whiteout of what is no file name'],
  ["a whiteout of a whiteout", [file(".wh..wh.x")], 'entry ".wh..wh.x": a whiteout of what is no file name'],
  ["a file below a whiteout", [file(".wh.a/b")], 'entry ".wh.a/b": lies below the whiteout ".wh.a"'],
  [
    "a sparse file of GNU",
    [file("s", "", { type: "S" })],
    'entry "s": a sparse file, which images do not have',
  ],
  [
    "a sparse file of pax",
    [file("s", "", { pax: { "GNU.sparse.major": "1", "GNU.sparse.realsize": "1000000000000" } })],
    'entry "s": a sparse file, which images do not have',
  ],
  ["an unknown type", [file("v", "", { type: "V" })], 'entry "v": the unknown type "V"'],
  [
    "a user that is none",
    [file("u", "", { pax: { uid: "4294967295" } })],
    'entry "u": the user id 4294967295',
  ],
  ["a group below 0", [file("g", "", { gid: -1 })], 'entry "g": gid is "-1"'],
  ["a device that is none", [{ name: "c", type: "3", major: 5_000 }], 'entry "c": the device 5000:0'],
  ["a time that is none", [file("t", "", { pax: { mtime: "now" } })], 'entry "t": mtime is "now"'],
  ["a size that is none", [file("t", "", { pax: { size: "-1" } })], 'entry "t": size is "-1"'],
  [
    "an attribute's name that is none",
    [file("x", "", { pax: { "SCHILY.xattr.user.a b": "v" } })],
    'entry "x": the extended attribute "user.a b"',
  ],
];

describe("a hostile archive is refused with the entry named:", { skip }, () => {
  for (const [what, entries, message] of REFUSED) {
    test(what, async () => {
      const err = await failure(archive(file("good", "x"), ...entries, file("later", "x")));
      assert.ok(err.message.includes(message), err.message);
      assert.ok(!err.message.includes("\n"), err.message);
    });
  }

  test("more bytes than are allowed, in one file or packed, before they are unpacked", async () => {
    const bomb = archive(file("small", "x"), file("bomb", Buffer.alloc(4 << 20)));
    const limit = { maxBytes: 1 << 20 };
    const packed = zlib.gzipSync(bomb);
    for (const how of [limit, { ...limit, packed }]) {
      const err = await failure(bomb, how);
      assert.equal(err.code, StatusCode.resourceExhausted);
      assert.equal(err.message, 'entry "bomb": the image unpacks to more than 1048576 bytes');
    }
  });

  test("a size that cannot be, before a byte of it", async () => {
    const entry = file("huge", "", { pax: { size: "1000000000000" } });
    assert.equal(
      (await failure(blocks(entry))).message,
      'entry "huge": the image unpacks to more than 1073741824 bytes',
    );
  });

  test("zeros without end behind the archive", async () => {
    const bytes = Buffer.concat([archive(file("a", "x")), Buffer.alloc(2 << 20)]);
    const err = await failure(bytes, { packed: zlib.gzipSync(bytes), maxBytes: 1 << 20 });
    assert.equal(err.message, "the image unpacks to more than 1048576 bytes");
  });

  test("more files than are allowed, those included that are implied", async () => {
    const err = await failure(archive(file("a/b/c/d"), file("e/f/g/h")), { maxFiles: 7 });
    assert.equal(err.code, StatusCode.resourceExhausted);
    assert.equal(err.message, 'entry "e/f/g/h": the image unpacks to more than 7 files');
  });

  const long = (begin: string, number: number) => `${begin}${number}${"x".repeat(200)}`;
  const REMEMBERED: readonly [string, (number: number) => RawEntry][] = [
    ["names", (number) => file("a", "", { longName: long("d/", number) })],
    ["names of what is hidden", (number) => file("a", "", { longName: long("d/.wh.", number) })],
    ["names of what is opaque", (number) => file("a", "", { longName: `${long("", number)}/.wh..wh..opq` })],
    ["names that are implied", (number) => file("a", "", { longName: `${long("", number)}/f` })],
    ["targets of symlinks", (number) => ({ ...symlink(`l${number}`, "t"), longTarget: long("", number) })],
    [
      "attributes of directories",
      (number) => directory(`d${number}`, { pax: { "SCHILY.xattr.user.a": long("", number) } }),
    ],
  ];
  for (const [what, entryOf] of REMEMBERED) {
    test(`${what} that take more memory than is allowed`, async () => {
      const some = archive(...Array.from({ length: 50 }, (_, number) => entryOf(number)));
      const more = archive(...Array.from({ length: 500 }, (_, number) => entryOf(number)));
      const limit = { maxMemoryBytes: 100_000 };
      const err = await failure(more, { ...limit, packed: zlib.gzipSync(more) });
      assert.equal(err.code, StatusCode.resourceExhausted);
      assert.match(err.message, /^entry ".*": the names in the image take more than 100000 bytes of memory$/);
      await extract(some, place.make(), limit);
    });
  }
});

describe("a damaged archive is told as such:", { skip }, () => {
  const good = archive(directory("d"), file("d/f", "0123456789".repeat(200)));

  test("one of another digest", async () => {
    const other = `sha256:${"0".repeat(64)}`;
    const err = await failure(good, { diffId: other });
    assert.equal(err.code, StatusCode.dataLoss);
    assert.equal(err.message, `its archive is ${digestOf(good)}, and the image says ${other}`);
  });

  for (const end of [100, 512, 600, 1_024, 1_500, 3_000]) {
    test(`one that ends after ${end} bytes`, async () => {
      const err = await failure(good.subarray(0, end), { diffId: digestOf(good) });
      assert.equal(err.code, StatusCode.dataLoss);
    });
  }

  test("one whose gzip data ends too early, goes on with something else or is none", async () => {
    const packed = zlib.gzipSync(good);
    const cut = packed.subarray(0, -20);
    const followed = Buffer.concat([packed, Buffer.from("something else")]);
    const none = Buffer.concat([packed.subarray(0, 12), Buffer.from("something else".repeat(10))]);
    for (const bytes of [cut, followed, none]) {
      const err = await failure(good, { packed: bytes });
      assert.equal(err.code, StatusCode.dataLoss);
      assert.match(err.message, /the gzip data is damaged: /);
    }
  });

  test("one that is no archive", async () => {
    const err = await failure(Buffer.from("no archive ".repeat(100)));
    assert.equal(err.message, "no tar header where one should be");
  });

  test("one with a single block of zeros before its end", async () => {
    const bytes = Buffer.concat([blocks(file("a")), Buffer.alloc(512), archive(file("b"))]);
    assert.equal((await failure(bytes)).message, "a single block of zeros");
  });

  test("one whose extended header is malformed or too large", async () => {
    for (const data of ["5 a=b\n", "x a=b\n", "6 ab\n\n", "999 a=b\n"]) {
      const err = await failure(archive({ name: "x", type: "x", data }, file("a")));
      assert.equal(err.message, "a record of its extended header is malformed");
    }
    const large = blocks({ name: "x", type: "x", size: 2 << 20 });
    assert.equal((await failure(large)).message, "an extended header of 2097152 bytes");
  });
});

describe("a layer", { skip }, () => {
  const bytes = archive(directory("d"), file("d/f", "data"));
  const zstd = (part: Buffer) => spawnSync("zstd", ["--stdout"], { input: part }).stdout;
  const noZstd = zstd(bytes) === null ? "the program zstd is missing" : false;

  test("is unpacked from gzip of several members", async () => {
    const dir = place.make();
    const packed = Buffer.concat([zlib.gzipSync(bytes.subarray(0, 700)), zlib.gzipSync(bytes.subarray(700))]);
    await extract(bytes, dir, { packed });
    assert.deepEqual(list(dir), ["d directory", "d/f file data"]);
  });

  test("is unpacked from zstd of several frames, some of them to be skipped", { skip: noZstd }, async () => {
    const dir = place.make();
    const skipped = Buffer.from("502a4d1804000000aabbccdd", "hex");
    const packed = Buffer.concat([skipped, zstd(bytes.subarray(0, 700)), skipped, zstd(bytes.subarray(700))]);
    await extract(bytes, dir, { packed });
    assert.deepEqual(list(dir), ["d directory", "d/f file data"]);
  });

  test("that is zstd needs a runtime that unpacks it, or else the program", { skip: noZstd }, async () => {
    const [dir, bin] = [place.make(), place.make()];
    fs.symlinkSync("/bin/tar", path.join(bin, "tar"));
    const packed = zstd(bytes);
    const unpacked = withEnvironment({ PATH: bin }, () => extract(bytes, dir, { packed }));
    const isEither = await unpacked.then(
      () => list(dir).length === 2,
      ({ message }) =>
        /a layer is packed by zstd, which this runtime cannot unpack; install the program zstd$/.test(
          message,
        ),
    );
    assert.ok(isEither);
  });

  test("is refused where its zstd data ends too early or is none", { skip: noZstd }, async () => {
    const packed = zstd(bytes);
    for (const bad of [
      packed.subarray(0, -8),
      Buffer.concat([packed.subarray(0, 6), Buffer.alloc(100, "x")]),
    ]) {
      assert.equal((await failure(bytes, { packed: bad })).code, StatusCode.dataLoss);
    }
  });

  test("is let go at once when nobody wants it any more", async () => {
    const dir = place.make();
    const controller = new AbortController();
    const reason = new StatusError(StatusCode.cancelled, "no longer wanted");
    const unpacking = extract(archive(file("f", Buffer.alloc(8 << 20))), dir, { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(unpacking, reason);
  });
});

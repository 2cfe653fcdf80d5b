import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusError } from "../../../src/base/status.ts";
import { LayerTree } from "../../../src/images/unpack/layer-tree.ts";
import type { TarEntry } from "../../../src/images/unpack/tar-entry.ts";
import { readTar } from "../../../src/images/unpack/tar-reader.ts";
import { encodeEntry, padding } from "../../../src/images/unpack/tar-writer.ts";
import { archive, chunks, directory, file, hardlink, symlink } from "./archive.ts";
import { extract, list, notRoot, scratch } from "./scratch.ts";

const place = scratch();

interface Read {
  readonly entry: TarEntry;
  readonly data: string;
}

async function read(source: AsyncIterable<Uint8Array>): Promise<Read[]> {
  const all: Read[] = [];
  for await (const { entry, data } of readTar(source)) {
    const pieces: Buffer[] = [];
    for await (const piece of data) pieces.push(Buffer.from(piece));
    all.push({ entry, data: Buffer.concat(pieces).toString("latin1") });
  }
  return all;
}

const MIXED = archive(
  directory("d/", { pax: { "SCHILY.xattr.user.a": "\0\xff" } }),
  file("d/f", "0123456789".repeat(120), { uid: 3_000_000, mtime: -1 }),
  file("short", "x", { longName: `d/${"n".repeat(150)}` }),
  { ...symlink("d/l", "short"), longTarget: "t".repeat(150) },
  hardlink("d/h", "d/f"),
);

describe("reading an archive", () => {
  test("does not depend on where its bytes are cut", async () => {
    const whole = await read(chunks(MIXED));
    assert.equal(whole.length, 5);
    for (const size of [1, 7, 511, 512, 513]) assert.deepEqual(await read(chunks(MIXED, size)), whole);
  });

  test("skips what nobody has read of an entry", async () => {
    const names: string[] = [];
    for await (const { entry, data } of readTar(chunks(MIXED, 100))) {
      names.push(entry.name.slice(0, 4));
      for await (const _ of data) break;
    }
    assert.deepEqual(names, ["d/", "d/f", "d/nn", "d/l", "d/h"]);
  });

  test("gives what was written by it, in the same form again", async () => {
    const first = await read(chunks(MIXED));
    const again = first.map(({ entry, data }) =>
      Buffer.concat([encodeEntry(entry), Buffer.from(data, "latin1"), padding(data.length)]),
    );
    const second = await read(chunks(Buffer.concat(again)));
    const plain = (name: string) => name.replace(/^\.\//, "").replace(/\/+$/, "");
    const same = ({ entry, data }: Read) => ({
      ...entry,
      name: plain(entry.name),
      target: plain(entry.target),
      data,
    });
    assert.deepEqual(second.map(same), first.map(same));
  });

  test("lets go of its source wherever it is left", async () => {
    let isClosed = false;
    const source = async function* () {
      try {
        yield* chunks(MIXED, 100);
      } finally {
        isClosed = true;
      }
    };
    for await (const _ of readTar(source())) break;
    assert.equal(isClosed, true);
  });

  test("of damaged bytes ends with clean names or with an error that tells of it", async () => {
    let refused = 0;
    for (let seed = 1; seed <= 400; seed++) {
      const damaged = Buffer.from(MIXED);
      for (let at = seed; at < damaged.length; at += 37 * seed + 11) damaged[at] = (at * 31 + seed) & 0xff;
      const header = (seed % (damaged.length / 512)) | 0;
      mendChecksum(damaged.subarray(header * 512, header * 512 + 512));
      refused += await judge(damaged);
    }
    assert.ok(refused > 100, `${refused} refused`);
  });
});

/** Reads and judges; 1 where that is refused. */
async function judge(bytes: Buffer): Promise<number> {
  const tree = new LayerTree();
  try {
    for await (const { entry } of readTar(chunks(bytes))) {
      const { parents, entry: made } = tree.add(entry);
      for (const one of [...parents, ...(made === undefined ? [] : [made])]) {
        assert.ok(!/(^|\/)\.{0,2}(\/|$)/.test(one.name) || one.name === "", JSON.stringify(one.name));
        encodeEntry(one);
      }
    }
    return 0;
  } catch (err) {
    assert.ok(err instanceof StatusError, String(err));
    return 1;
  }
}

function mendChecksum(block: Buffer): void {
  block.fill(" ", 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
}

describe("what GNU tar has written", { skip: notRoot }, () => {
  for (const format of ["v7", "oldgnu", "gnu", "ustar", "posix"]) {
    test(`is unpacked as it was: ${format}`, async () => {
      const [from, to] = [place.make(), place.make()];
      const deep = path.join(from, "directory", "n".repeat(40));
      fs.mkdirSync(deep, { recursive: true });
      fs.writeFileSync(path.join(deep, "file"), "data", { mode: 0o640 });
      fs.linkSync(path.join(deep, "file"), path.join(from, "hard"));
      fs.symlinkSync("../directory", path.join(from, "link"));
      fs.chmodSync(path.join(from, "directory"), 0o2750);
      fs.chownSync(path.join(from, "hard"), 1_000, 2_000);
      if (["gnu", "posix"].includes(format)) {
        fs.mkdirSync(path.join(from, "l".repeat(200)));
        fs.writeFileSync(path.join(from, "l".repeat(200), "m".repeat(120)), "long");
        fs.chownSync(path.join(from, "l".repeat(200)), 3_000_000_000, 3_000_000_001);
      }
      const bytes = execFileSync("tar", ["--create", "--file=-", `--format=${format}`, "."], { cwd: from });
      await extract(bytes, to);
      assert.deepEqual(list(to), list(from));
      // tar itself compares modes, owners and times.
      execFileSync("tar", ["--compare", "--file=-"], { cwd: to, input: bytes });
    });
  }
});

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import {
  errnoOf,
  fileSize,
  openText,
  readTail,
  readTextFile,
  writeFileAtomically,
} from "../../src/base/files.ts";
import { StatusCode } from "../../src/base/status.ts";
import { countFds, makeFifo, withTempDir } from "../support/files.ts";
import { status } from "../support/status.ts";

describe("reading a text file", () => {
  test("gives its text", async () => {
    await withTempDir((dir) => {
      const file = path.join(dir, "file");
      fs.writeFileSync(file, "grün\n");
      assert.equal(readTextFile(file, 100), "grün\n");
    });
  });

  test("gives nothing where there is none", () => {
    assert.equal(readTextFile("/nosuchdir/file", 100), undefined);
  });

  test("allows exactly the limit", async () => {
    await withTempDir((dir) => {
      const file = path.join(dir, "file");
      fs.writeFileSync(file, "12345");
      assert.equal(readTextFile(file, 5), "12345");
      const expected = /file is larger than 4 bytes$/;
      assert.throws(() => readTextFile(file, 4), status(StatusCode.resourceExhausted, expected));
    });
  });

  test("does not read a huge file to find out that it is", async () => {
    await withTempDir((dir) => {
      const file = path.join(dir, "file");
      fs.writeFileSync(file, "");
      fs.truncateSync(file, 2 ** 40);
      assert.throws(() => readTextFile(file, 1_000), status(StatusCode.resourceExhausted, /larger/));
    });
  });

  test("does not wait for a fifo's other end", async () => {
    await withTempDir((dir) => {
      const file = path.join(dir, "fifo");
      makeFifo(file);
      const expected = /fifo is not a regular file$/;
      assert.throws(() => readTextFile(file, 100), status(StatusCode.failedPrecondition, expected));
    });
  });

  test("refuses a directory, by name", async () => {
    await withTempDir((dir) => {
      assert.throws(() => readTextFile(dir, 100), status(StatusCode.failedPrecondition, new RegExp(dir)));
    });
  });

  test("names the file and the errno of other failures", async () => {
    await withTempDir((dir) => {
      const file = path.join(dir, "file");
      fs.writeFileSync(file, "x");
      const expected = /^cannot read .*\/file\/below: ENOTDIR$/;
      assert.throws(() => readTextFile(path.join(file, "below"), 100), status(StatusCode.notFound, expected));
    });
  });
});

describe("reading what was added to a file", () => {
  const tails: [title: string, text: string, offset: number, max: number, tail: string][] = [
    ["all of it from the beginning", "abcdef", 0, 100, "abcdef"],
    ["what is past the offset", "abcdef", 4, 100, "ef"],
    ["nothing past the end", "abcdef", 6, 100, ""],
    ["all where it became shorter", "abc", 6, 100, "abc"],
    ["its last bytes where it is long", "abcdef", 0, 2, "ef"],
    ["its last bytes past the offset", "abcdef", 1, 3, "def"],
    ["nothing of an empty one", "", 0, 100, ""],
  ];
  for (const [title, text, offset, max, tail] of tails) {
    test(`gives ${title}`, async () => {
      await withTempDir((dir) => {
        const file = path.join(dir, "file");
        fs.writeFileSync(file, text);
        assert.equal(readTail(file, offset, max), tail);
      });
    });
  }

  test("gives nothing of what cannot be read", async () => {
    assert.equal(readTail("/nosuchdir/file", 0, 100), "");
    await withTempDir((dir) => assert.equal(readTail(dir, 0, 100), ""));
  });
});

test("a file that is not there has no bytes", () => {
  assert.equal(fileSize("/nosuchdir/file"), 0);
});

describe("writing a file", () => {
  test("makes it readable by its owner alone, whatever was there", async () => {
    await withTempDir((dir) => {
      const file = path.join(dir, "file");
      fs.writeFileSync(file, "something longer", { mode: 0o644 });
      writeFileAtomically(file, "new");
      assert.equal(fs.readFileSync(file, "utf8"), "new");
      assert.equal(fs.statSync(file).mode & 0o777, 0o600);
    });
  });

  test("leaves no other file beside it", async () => {
    await withTempDir((dir) => {
      writeFileAtomically(path.join(dir, "file"), "one");
      writeFileAtomically(path.join(dir, "file"), "two");
      assert.deepEqual(fs.readdirSync(dir), ["file"]);
    });
  });

  test("leaves a reader with the old text as a whole", async () => {
    await withTempDir((dir) => {
      const file = path.join(dir, "file");
      writeFileAtomically(file, "old text");
      const fd = fs.openSync(file, "r");
      writeFileAtomically(file, "new");
      assert.equal(fs.readFileSync(fd, "utf8"), "old text");
      fs.closeSync(fd);
    });
  });

  test("goes on where a killed writer left its half of it", async () => {
    await withTempDir((dir) => {
      fs.writeFileSync(path.join(dir, `.file.${process.pid}.tmp`), "ha");
      writeFileAtomically(path.join(dir, "file"), "whole");
      assert.deepEqual(fs.readdirSync(dir), ["file"]);
    });
  });

  test("replaces a symbolic link and not what it points to", async () => {
    await withTempDir((dir) => {
      fs.writeFileSync(path.join(dir, "target"), "untouched");
      fs.symlinkSync("target", path.join(dir, "file"));
      writeFileAtomically(path.join(dir, "file"), "new");
      assert.equal(fs.readFileSync(path.join(dir, "target"), "utf8"), "untouched");
    });
  });

  test("names the file where it cannot, and leaves nothing behind", async () => {
    await withTempDir((dir) => {
      const gone = path.join(dir, "nosuchdir/file");
      assert.throws(
        () => writeFileAtomically(gone, "x"),
        status(StatusCode.notFound, /^cannot write .*nosuchdir\/file: ENOENT$/),
      );
      fs.mkdirSync(path.join(dir, "taken/full"), { recursive: true });
      const taken = path.join(dir, "taken");
      assert.throws(
        () => writeFileAtomically(taken, "x"),
        status(StatusCode.failedPrecondition, /taken: EISDIR$/),
      );
      assert.deepEqual(fs.readdirSync(dir), ["taken"]);
    });
  });
});

describe("a text for a program's stdin", () => {
  for (const text of ["", "short", "ü".repeat(200_000)]) {
    test(`is read from its beginning: ${text.length} characters`, async () => {
      await withTempDir((dir) => {
        const fd = openText(dir, text);
        assert.equal(fs.readFileSync(fd, "utf8"), text);
        fs.closeSync(fd);
      });
    });
  }

  test("has no name in the directory, and can be opened again by its number", async () => {
    await withTempDir((dir) => {
      const fd = openText(dir, "text");
      assert.deepEqual(fs.readdirSync(dir), []);
      assert.equal(fs.readFileSync(`/proc/self/fd/${fd}`, "utf8"), "text");
      fs.closeSync(fd);
    });
  });

  test("names the directory where it cannot be made", () => {
    assert.throws(
      () => openText("/nosuchdir", "x"),
      status(StatusCode.notFound, /^cannot write \/nosuchdir\//),
    );
  });
});

test("no descriptor stays open, whatever a file is", async () => {
  await withTempDir((dir) => {
    const fifo = path.join(dir, "fifo");
    const file = path.join(dir, "file");
    makeFifo(fifo);
    writeFileAtomically(file, "text");
    const before = countFds();
    for (const place of [file, fifo, dir, "/nosuchdir/file"]) {
      for (const max of [1, 100]) {
        try {
          readTextFile(place, max);
        } catch {}
        readTail(place, 0, max);
      }
    }
    assert.equal(countFds(), before);
  });
});

test("an errno is found in what node throws, and nowhere else", () => {
  assert.equal(errnoOf(Object.assign(new Error("x"), { code: "ENOENT" })), "ENOENT");
  for (const other of [
    new Error("x"),
    Object.assign(new Error("x"), { code: 5 }),
    "ENOENT",
    undefined,
    null,
  ]) {
    assert.equal(errnoOf(other), undefined);
  }
});

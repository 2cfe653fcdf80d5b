import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { makeStandbyFolder } from "../../../src/shim/standby/folder.ts";
import { lives, namedProcess, parseWord, wordOf } from "../../../src/shim/standby/named-process.ts";
import { isOf, kindOf, placesIn, socketOf } from "../../../src/shim/standby/place.ts";
import { withTempDir } from "../../support/files.ts";

const daemon = { pid: 10, startTime: 20 };
const module = pathToFileURL(
  path.join(path.dirname(fileURLToPath(import.meta.url)), "../../../src/shim/standby/place.ts"),
).href;

/** The kind of a process that a shell has started after a command of its own. */
function kindAfter(command: string): string {
  const script = `
    const { kindOf } = await import(${JSON.stringify(module)});
    console.log(kindOf({}));`;
  const { stdout, stderr } = spawnSync(
    "sh",
    ["-c", `${command}; exec "$0" -e "$1"`, process.execPath, script],
    {
      encoding: "utf8",
    },
  );
  assert.equal(stderr, "");
  return stdout.trim();
}

describe("a kind of servers", () => {
  test("is one as long as all that a server inherits is the same", () => {
    assert.equal(kindOf({ A: "1", B: "2" }), kindOf({ B: "2", A: "1" }));
    assert.match(kindOf({}), /^[0-9a-f]{16}$/);
    assert.equal(kindAfter(":"), kindAfter(":"));
  });

  test("is another with another environment", () => {
    assert.notEqual(kindOf({ A: "1" }), kindOf({ A: "2" }));
    assert.notEqual(kindOf({ A: "1" }), kindOf({ A: "1", B: "" }));
    assert.notEqual(kindOf({ A: "1", B: "2" }), kindOf({ A: '1","B":"2' }));
  });

  test("is another with other limits", () => {
    assert.notEqual(kindAfter("ulimit -c 0"), kindAfter("ulimit -c 0; ulimit -S -s 1024"));
  });
});

describe("the folder of those that stand by", () => {
  test("is made for its owner alone, once", async () => {
    await withTempDir(async (dir) => {
      for (let n = 0; n < 2; n += 1) makeStandbyFolder(path.join(dir, "socket"));
      assert.equal(fs.statSync(path.join(dir, "standby")).mode & 0o777, 0o700);
    });
  });

  test("is not missed where it cannot be made", () => {
    makeStandbyFolder("/no such directory/socket");
  });
});

describe("a place", () => {
  const place = { daemon, kind: "00ff", server: { pid: 30, startTime: 40 } };

  test("is found by its socket's name, and nothing else in the folder is one", async () => {
    await withTempDir(async (dir) => {
      assert.deepEqual(placesIn(path.join(dir, "missing")), []);
      const later = { ...place, server: { pid: 4, startTime: 50 } };
      for (const each of [place, later]) fs.writeFileSync(socketOf(dir, each), "");
      for (const name of ["x", "10:20:00ff", "10:20:00ff:30", "10:20:xyz:30:40", "10:20:00ff:30:40.old"]) {
        fs.writeFileSync(path.join(dir, name), "");
      }
      assert.deepEqual(placesIn(dir), [later, place]);
    });
  });

  test("is that of one daemon, which had its pid before and after", () => {
    assert.equal(isOf({ pid: 10, startTime: 20 }, place), true);
    assert.equal(isOf({ pid: 11, startTime: 20 }, place), false);
    assert.equal(isOf({ pid: 10, startTime: 21 }, place), false);
  });

  test("has a path that is no longer than that of a shim's socket", () => {
    const kind = kindOf({});
    const process = { pid: 4194304, startTime: 99999999999 };
    const last = { daemon: process, kind, server: process };
    const shimSocket = `/s/${"0".repeat(64)}`;
    assert.ok(socketOf("/s/standby", last).length <= shimSocket.length);
  });
});

describe("a process by its name", () => {
  test("is the same after it was a word, with blanks behind it or none", () => {
    assert.deepEqual(parseWord(wordOf(daemon)), daemon);
    assert.deepEqual(parseWord(`${wordOf(daemon)}   `), daemon);
  });

  for (const word of ["", "10", "10:", ":20", "10:20:30", "a:b", "-1:20"]) {
    test(`is not ${JSON.stringify(word)}`, () => assert.equal(parseWord(word), undefined));
  }

  test("lives as long as it does, and not as another with its pid", () => {
    const [own, gone] = [namedProcess(process.pid), namedProcess(4194305)];
    assert.ok(own !== undefined);
    assert.equal(lives(own), true);
    assert.equal(lives({ ...own, startTime: own.startTime - 1 }), false);
    const ended = spawnSync("sh", ["-c", "cat /proc/self/stat"], { encoding: "utf8" }).stdout.split(" ");
    assert.equal(lives({ pid: Number(ended[0]), startTime: Number(ended[21]) }), false);
    assert.equal(gone, undefined);
  });
});

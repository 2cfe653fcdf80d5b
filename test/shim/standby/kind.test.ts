import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { daemonWord, lives, parseDaemon } from "../../../src/shim/standby/daemon.ts";
import { kindFolder } from "../../../src/shim/standby/kind.ts";

const daemon = { pid: 10, startTime: 20 };
const kind = (env: Record<string, string>, of = daemon) => kindFolder("/s/standby", of, env);
const module = pathToFileURL(
  path.join(path.dirname(fileURLToPath(import.meta.url)), "../../../src/shim/standby/kind.ts"),
).href;

/** The kind of a process that a shell has started after a command of its own. */
function kindAfter(command: string): string {
  const script = `
    const { kindFolder } = await import(${JSON.stringify(module)});
    console.log(kindFolder("/s/standby", ${JSON.stringify(daemon)}, {}));`;
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
    assert.equal(kind({ A: "1", B: "2" }), kind({ B: "2", A: "1" }));
    assert.match(kind({}), /^\/s\/standby\/[0-9a-f]{32}$/);
    assert.equal(kindAfter(":"), kindAfter(":"));
  });

  test("is another with another environment", () => {
    assert.notEqual(kind({ A: "1" }), kind({ A: "2" }));
    assert.notEqual(kind({ A: "1" }), kind({ A: "1", B: "" }));
    assert.notEqual(kind({ A: "1", B: "2" }), kind({ A: '1","B":"2' }));
  });

  test("is another for another daemon, and for one that has the same pid later", () => {
    assert.notEqual(kind({}), kind({}, { ...daemon, pid: 11 }));
    assert.notEqual(kind({}), kind({}, { ...daemon, startTime: 21 }));
  });

  test("is another with other limits", () => {
    assert.notEqual(kindAfter("ulimit -c 0"), kindAfter("ulimit -c 0; ulimit -S -s 1024"));
  });
});

describe("a daemon", () => {
  test("is the same after it was a word, with blanks behind it or none", () => {
    assert.deepEqual(parseDaemon(daemonWord(daemon)), daemon);
    assert.deepEqual(parseDaemon(`${daemonWord(daemon)}   `), daemon);
  });

  for (const word of ["", "10", "10:", ":20", "10:20:30", "a:b", "-1:20"]) {
    test(`is not ${JSON.stringify(word)}`, () => assert.equal(parseDaemon(word), undefined));
  }

  test("lives as long as its process", () => {
    const own = spawnSync("sh", ["-c", "cat /proc/self/stat"], { encoding: "utf8" }).stdout.split(" ");
    assert.equal(lives({ pid: Number(own[0]), startTime: Number(own[21]) }), false);
    assert.equal(lives({ pid: process.pid, startTime: 1 }), false);
  });
});

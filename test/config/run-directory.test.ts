import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { readRunDirectory } from "../../src/config/run-directory.ts";
import { withTempDir } from "../support/files.ts";
import { status } from "../support/status.ts";

/** The run directory of a host whose configuration file has this text. */
function readWith(text: string, env: Record<string, string> = {}) {
  return withTempDir((dir) => {
    const file = path.join(dir, "config.json");
    fs.writeFileSync(file, text);
    return readRunDirectory({ EBB_CONFIG: file, ...env });
  });
}

const NAMED = '{"version": 2, "runtime": {"runDirectory": "/run/file"}}';

describe("the run directory of a host", () => {
  const rows: [title: string, text: string, env: Record<string, string>, expected: string][] = [
    ["is /run/ebb where nobody names another", '{"version": 2}', {}, "/run/ebb"],
    ["is the one that the configuration names", NAMED, {}, "/run/file"],
    ["is the configuration's where the variable is empty", NAMED, { EBB_RUN_DIR: "" }, "/run/file"],
    ["is the one that the environment names, whatever the file says", "{", { EBB_RUN_DIR: "/a/b" }, "/a/b"],
  ];
  for (const [title, text, env, expected] of rows) {
    test(title, async () => assert.equal(await readWith(text, env), expected));
  }

  for (const named of ["run/ebb", "/", "/run//ebb", "/run/"]) {
    test(`is not ${named}, which is told`, async () => {
      const expected = status(StatusCode.invalidArgument, /^EBB_RUN_DIR must be an absolute path, not "/);
      await assert.rejects(readRunDirectory({ EBB_RUN_DIR: named }), expected);
    });
  }

  test("is none where the configuration has a mistake", async () => {
    await assert.rejects(readWith("{"), status(StatusCode.invalidArgument, /config\.json/));
  });
});

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { readImagesConfig } from "../../src/config/images-directory.ts";
import { withTempDir } from "../support/files.ts";
import { status } from "../support/status.ts";

/** The image side's settings of a host whose configuration file has this text. */
function readWith(text: string, env: Record<string, string> = {}) {
  return withTempDir((dir) => {
    const file = path.join(dir, "config.json");
    fs.writeFileSync(file, text);
    return readImagesConfig({ EBB_CONFIG: file, ...env });
  });
}

const NAMED = '{"version": 2, "images": {"directory": "/srv/images", "limits": {"retries": 0}}}';

describe("the directory of images", () => {
  const rows: [title: string, text: string, env: Record<string, string>, expected: string][] = [
    ["is /var/lib/ebb where nobody names another", '{"version": 2}', {}, "/var/lib/ebb"],
    ["is the one that the configuration names", NAMED, {}, "/srv/images"],
    ["is the configuration's where the variable is empty", NAMED, { EBB_IMAGES_DIR: "" }, "/srv/images"],
    ["is the one that the environment names", NAMED, { EBB_IMAGES_DIR: "/a/b" }, "/a/b"],
  ];
  for (const [title, text, env, expected] of rows) {
    test(title, async () => assert.equal((await readWith(text, env)).directory, expected));
  }

  test("comes with every other setting as the configuration has it", async () => {
    const { limits, syncAfterUnpack } = await readWith(NAMED, { EBB_IMAGES_DIR: "/a" });
    assert.deepEqual([limits.retries, limits.blobsAtOnce, syncAfterUnpack], [0, 3, true]);
  });

  for (const named of ["images", "/", "/srv//images", "/srv/"]) {
    test(`is not ${named}, which is told`, async () => {
      const expected = status(StatusCode.invalidArgument, /^EBB_IMAGES_DIR must be an absolute path, not "/);
      await assert.rejects(readWith('{"version": 2}', { EBB_IMAGES_DIR: named }), expected);
    });
  }

  test("is none where the configuration has a mistake", async () => {
    await assert.rejects(readWith("{"), status(StatusCode.invalidArgument, /config\.json/));
  });
});

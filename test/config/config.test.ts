import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { DEFAULT_CONFIG_FILE, readConfig } from "../../src/config/config.ts";
import { defaultConfig } from "../../src/config/defaults.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { countFds, makeFifo, withTempDir } from "../support/files.ts";
import { status } from "../support/status.ts";

const { runtime, images } = defaultConfig;

/** Reads a text as the file that EBB_CONFIG names. */
async function readText(text: string) {
  return withTempDir((dir) => {
    const file = path.join(dir, "config.json");
    fs.writeFileSync(file, text);
    return readConfig({ EBB_CONFIG: file });
  });
}

describe("a host's configuration", () => {
  test("is all defaults where there is no file", { skip: fs.existsSync(DEFAULT_CONFIG_FILE) }, async () => {
    for (const env of [{}, { EBB_CONFIG: "" }, { EBB_CONFIG: undefined }]) {
      assert.deepEqual(await readConfig(env), defaultConfig);
    }
    assert.equal(runtime.release, "deferred");
    assert.equal(runtime.runDirectory, "/run/ebb");
    assert.equal(images.syncAfterUnpack, true);
  });

  const rows: [title: string, document: object, expected: object][] = [
    ["nothing but its version", { version: 2 }, { runtime, images }],
    ["empty sections", { version: 2, runtime: { limits: {} }, images: {} }, { runtime, images }],
    [
      "one setting, and has the defaults for all others",
      { version: 2, runtime: { limits: { mountMs: 7 } } },
      { runtime: { ...runtime, limits: { ...runtime.limits, mountMs: 7 } }, images },
    ],
    [
      "settings of both sections, and where its schema is",
      {
        $schema: "config.schema.json",
        version: 2,
        runtime: { release: "strict" },
        images: { maxUnpackedBytes: 1 },
      },
      { runtime: { ...runtime, release: "strict" }, images: { ...images, maxUnpackedBytes: 1 } },
    ],
  ];
  for (const [title, document, expected] of rows) {
    test(`may say ${title}`, async () => {
      assert.deepEqual(await readText(JSON.stringify(document)), expected);
      assert.deepEqual(parseConfig(JSON.stringify(document), "f"), expected);
    });
  }
});

describe("a file with mistakes is told all of them, by their places:", () => {
  const rows: [text: string, problems: string][] = [
    ["", "the document is empty"],
    ["{ nope", "the document is not JSON at line 1, column 3"],
    ['{\n  "version": 2,\n}\n', "the document is not JSON at line 3, column 1"],
    ["[]", "the document must be an object"],
    ["{}", "the document must have version"],
    ['{"version":"2"}', "/version must be 2"],
    ['{"version":0}', "/version must be 2"],
    ['{"version":1.5}', "/version must be 2"],
    ['{"version":3,"pods":{}}', "/version is 3, this ebb knows versions up to 2"],
    ['{"version":2,"Runtime":{}}', "/Runtime is not known"],
    ['{"version":2,"release":"strict"}', "/release is not known"],
    [
      '{"runtime":{"release":"lazy","runDirectory":"run","limits":{"mountMS":1,"exitMs":0,"eventMs":null}}}',
      "the document must have version; /runtime/release must be one of deferred, strict, volatile; " +
        "/runtime/runDirectory must match ^(/[^/]+)+$; /runtime/limits/exitMs must be at least 1; " +
        "/runtime/limits/eventMs must be a whole number; /runtime/limits/mountMS is not known",
    ],
    [
      '{"version":2,"images":{"syncAfterUnpack":1,"maxUnpackedBytes":"64 GiB"}}',
      "/images/syncAfterUnpack must be true or false; /images/maxUnpackedBytes must be a whole number",
    ],
    [
      '{"version":2,"runtime":{"limits":{"turnMs":2147483648,"mountsAtOnce":49}}}',
      "/runtime/limits/mountsAtOnce must be at most 48; /runtime/limits/turnMs must be at most 2147483647",
    ],
    [
      '{"version":1,"limits":{"mountMs":"1","pendingMs":1},"runtime":{}}',
      "/limits/mountMs must be a whole number; /limits/pendingMs is not known; /runtime is not known",
    ],
  ];
  for (const [text, problems] of rows) {
    test(`${text || "nothing"} → ${problems}`, async () => {
      await assert.rejects(readText(text), (thrown: Error) => {
        assert.equal(thrown.message.replace(/^\/[^:]*\/config\.json: /, ""), problems);
        return status(StatusCode.invalidArgument, /^\/.*\/config\.json: /)(thrown);
      });
    });
  }
});

describe("a file that cannot be read is an error that names it:", () => {
  test("one that EBB_CONFIG names and is not there", async () => {
    const expected = status(
      StatusCode.notFound,
      /^\/nosuchdir\/c\.json: no such file, and EBB_CONFIG names it$/,
    );
    await assert.rejects(readConfig({ EBB_CONFIG: "/nosuchdir/c.json" }), expected);
  });

  test("one that would depend on the bundle", async () => {
    const expected = status(
      StatusCode.invalidArgument,
      /^EBB_CONFIG must be an absolute path, not \.\/c\.json$/,
    );
    await assert.rejects(readConfig({ EBB_CONFIG: "./c.json" }), expected);
  });

  test("one that is far too large", async () => {
    await assert.rejects(readText(" ".repeat(70_000)), status(StatusCode.resourceExhausted, /config\.json/));
  });

  test("a fifo, which is not waited for, and a directory; and no descriptor stays open", async () => {
    await withTempDir(async (dir) => {
      const fifo = path.join(dir, "fifo");
      makeFifo(fifo);
      const before = countFds();
      for (const file of [fifo, dir]) {
        const expected = status(StatusCode.failedPrecondition, new RegExp(`^${file} `));
        await assert.rejects(readConfig({ EBB_CONFIG: file }), expected);
      }
      assert.equal(countFds(), before);
    });
  });
});

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { readAnnotations } from "../../src/oci/annotations.ts";
import { MAX_CONFIG_BYTES } from "../../src/oci/config.ts";
import { makeFifo, withTempDir } from "../support/files.ts";
import { status } from "../support/status.ts";
import { fixtures } from "./helpers.ts";

function sample(name: string): string {
  return fs.readFileSync(path.join(fixtures, "bundles", `${name}.json`), "utf8");
}

function withConfig(text: string, body: (bundle: string) => void): Promise<void> {
  return withTempDir((dir) => {
    fs.writeFileSync(path.join(dir, "config.json"), text);
    body(dir);
  });
}

describe("the annotations of a configuration are read:", () => {
  test("of a pod's container", async () => {
    await withConfig(sample("pod"), (bundle) => {
      assert.equal(readAnnotations(bundle)["io.kubernetes.cri.sandbox-id"]?.length, 64);
    });
  });

  for (const name of ["busybox", "terminal", "minimal", "nulls"]) {
    test(`of one that has none: ${name}`, async () => {
      await withConfig(sample(name), (bundle) => assert.deepEqual(readAnnotations(bundle), {}));
    });
  }

  test("whatever else is in it, which the OCI runtime checks", async () => {
    await withConfig('{"annotations":{"a":"b"},"process":7}', (bundle) => {
      assert.deepEqual(readAnnotations(bundle), { a: "b" });
    });
  });

  test("without those that are null, as Go has it", async () => {
    await withConfig('{"annotations":{"a":null,"b":"c"}}', (bundle) => {
      assert.deepEqual(readAnnotations(bundle), { b: "c" });
    });
  });

  test("of a large one", async () => {
    const env = Array.from({ length: 50_000 }, (_, i) => `VARIABLE_${i}=${"x".repeat(50)}`);
    await withConfig(JSON.stringify({ process: { env }, annotations: { a: "b" } }), (bundle) => {
      assert.deepEqual(readAnnotations(bundle), { a: "b" });
    });
  });
});

describe("a configuration is refused by file and place:", () => {
  const rows: [text: string, message: string][] = [
    ["", "the document is empty"],
    ['{"ociVersion": ', "the document is not JSON"],
    ["[]", "the document must be an object"],
    ["null", "the document must be an object"],
    ["7", "the document must be an object"],
    ['{"annotations":[]}', "/annotations must be an object"],
    ['{"annotations":"a"}', "/annotations must be an object"],
    [
      '{"annotations":{"a":"b","io.kubernetes.cri.sandbox-id":7}}',
      "/annotations/io.kubernetes.cri.sandbox-id must be a string",
    ],
  ];
  for (const [text, message] of rows) {
    test(`${text || "nothing"} → ${message}`, async () => {
      await withConfig(text, (bundle) => {
        const expected = (thrown: unknown) => {
          assert.equal((thrown as Error).message, `${bundle}/config.json: ${message}`);
          return status(StatusCode.invalidArgument, /./)(thrown);
        };
        assert.throws(() => readAnnotations(bundle), expected);
      });
    });
  }

  test("a bundle without one", async () => {
    await withTempDir((dir) => {
      assert.throws(() => readAnnotations(dir), status(StatusCode.notFound, /\/config\.json: no such file$/));
    });
  });

  test("one that is too large, without reading it", async () => {
    await withConfig("{}", (bundle) => {
      fs.truncateSync(path.join(bundle, "config.json"), MAX_CONFIG_BYTES + 1);
      const expected = /config\.json is larger than 16777216 bytes$/;
      assert.throws(() => readAnnotations(bundle), status(StatusCode.resourceExhausted, expected));
    });
  });

  test("one that is a fifo, without waiting for it", async () => {
    await withTempDir((dir) => {
      makeFifo(path.join(dir, "config.json"));
      assert.throws(() => readAnnotations(dir), status(StatusCode.failedPrecondition, /not a regular file$/));
    });
  });
});

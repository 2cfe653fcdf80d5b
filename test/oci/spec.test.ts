import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { MAX_SPEC_BYTES, parseSpec, readSpec } from "../../src/oci/spec.ts";
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

describe("a configuration is read:", () => {
  test("of a container as runc's own sample has it", () => {
    const spec = parseSpec(sample("busybox"), "f");
    assert.deepEqual(spec.process?.args, ["sleep", "1000"]);
    assert.deepEqual(spec.process?.user, { uid: 0, gid: 0 });
    assert.equal(spec.process?.terminal, false);
    assert.equal(spec.root?.path, "rootfs");
    assert.equal(spec.root?.readonly, true);
    assert.ok(spec.linux?.namespaces?.some(({ type }) => type === "pid"));
  });

  test("of a container with a terminal", () => {
    assert.equal(parseSpec(sample("terminal"), "f").process?.terminal, true);
  });

  test("of a pod's container", () => {
    const spec = parseSpec(sample("pod"), "f");
    assert.equal(spec.annotations?.["io.kubernetes.cri.sandbox-id"]?.length, 64);
    assert.equal(spec.linux?.cgroupsPath, "/kubepods/burstable/pod1/app");
  });

  test("of next to nothing", () => {
    assert.deepEqual(parseSpec(sample("minimal"), "f"), { ociVersion: "1.0.0" });
  });

  test("with null for what it does not have", () => {
    const spec = parseSpec(sample("nulls"), "f");
    assert.equal(spec.annotations, undefined);
    assert.equal(spec.linux?.cgroupsPath, undefined);
    assert.deepEqual(spec.process?.args, ["sleep", "1000"]);
  });

  test("from a bundle", async () => {
    await withConfig(sample("pod"), (bundle) => {
      assert.deepEqual(readSpec(bundle), parseSpec(sample("pod"), "f"));
    });
  });
});

describe("a configuration is refused by file and place:", () => {
  const rows: [text: string, message: string][] = [
    ["", "the document is empty"],
    ['{"ociVersion": ', "the document is not JSON"],
    ["[]", "the document must be an object"],
    ['{"ociVersion":1}', "/ociVersion must be a string"],
    ['{"hostname":{}}', "/hostname must be a string"],
    ['{"annotations":[]}', "/annotations must be an object"],
    [
      '{"annotations":{"a":"b","io.kubernetes.cri.sandbox-id":7}}',
      "/annotations/io.kubernetes.cri.sandbox-id must be a string",
    ],
    ['{"root":"rootfs"}', "/root must be an object"],
    ['{"root":{"path":7}}', "/root/path must be a string"],
    ['{"root":{"readonly":"yes"}}', "/root/readonly must be true or false"],
    ['{"process":[]}', "/process must be an object"],
    ['{"process":{"args":"sh"}}', "/process/args must be an array"],
    ['{"process":{"args":["sh",7]}}', "/process/args/1 must be a string"],
    ['{"process":{"env":[null]}}', "/process/env/0 must be a string"],
    ['{"process":{"cwd":1}}', "/process/cwd must be a string"],
    ['{"process":{"terminal":1}}', "/process/terminal must be true or false"],
    ['{"process":{"user":{"uid":-1}}}', "/process/user/uid must be at least 0"],
    ['{"process":{"user":{"uid":4294967296}}}', "/process/user/uid must be at most 4294967295"],
    ['{"process":{"user":{"gid":"root"}}}', "/process/user/gid must be a whole number"],
    ['{"linux":{"cgroupsPath":[]}}', "/linux/cgroupsPath must be a string"],
    ['{"linux":{"namespaces":{}}}', "/linux/namespaces must be an array"],
    ['{"linux":{"namespaces":[{"path":"/x"}]}}', "/linux/namespaces/0 must have type"],
    ['{"linux":{"namespaces":[{"type":"pid","path":1}]}}', "/linux/namespaces/0/path must be a string"],
  ];
  for (const [text, message] of rows) {
    test(`${text || "nothing"} → ${message}`, async () => {
      await withConfig(text, (bundle) => {
        const expected = (thrown: unknown) => {
          assert.equal((thrown as Error).message, `${bundle}/config.json: ${message}`);
          return status(StatusCode.invalidArgument, /./)(thrown);
        };
        assert.throws(() => readSpec(bundle), expected);
      });
    });
  }

  test("a bundle without one", async () => {
    await withTempDir((dir) => {
      assert.throws(() => readSpec(dir), status(StatusCode.notFound, /\/config\.json: no such file$/));
    });
  });

  test("one that is too large, without reading it", async () => {
    await withConfig("{}", (bundle) => {
      fs.truncateSync(path.join(bundle, "config.json"), MAX_SPEC_BYTES + 1);
      const expected = /config\.json is larger than 16777216 bytes$/;
      assert.throws(() => readSpec(bundle), status(StatusCode.resourceExhausted, expected));
    });
  });

  test("one that is a fifo, without waiting for it", async () => {
    await withTempDir((dir) => {
      makeFifo(path.join(dir, "config.json"));
      assert.throws(() => readSpec(dir), status(StatusCode.failedPrecondition, /not a regular file$/));
    });
  });
});

test("a large configuration is read", async () => {
  const env = Array.from({ length: 50_000 }, (_, i) => `VARIABLE_${i}=${"x".repeat(50)}`);
  await withConfig(JSON.stringify({ process: { env } }), (bundle) => {
    assert.equal(readSpec(bundle).process?.env?.length, 50_000);
  });
});

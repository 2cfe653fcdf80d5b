/** The files that containerd-shim-runc-v2 and ebb read of each other: a host may change from one to the other. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { readAnnotations } from "../../src/oci/annotations.ts";
import { readOptions, writeOptions, writeRuntime } from "../../src/oci/bundle.ts";
import { runCommand } from "../../src/oci/command.ts";
import { defaultRuncOptions } from "../../src/oci/options.ts";
import { withTempDir } from "../support/files.ts";
import { fixtures, makeFakeRunc } from "./helpers.ts";

const SHIM = "/usr/bin/containerd-shim-runc-v2";
const skip = fs.existsSync(SHIM) ? false : `needs ${SHIM}`;
const recorded = path.join(fixtures, "recorded/containerd-1.6.20");

test("the options that the Go shim wrote are read", () => {
  const expected = { ...defaultRuncOptions, binaryName: "runc", root: "/run/ebb-record/runc" };
  assert.deepEqual(readOptions(recorded), expected);
});

test("the configuration that containerd wrote is read, which has no annotations", () => {
  assert.deepEqual(readAnnotations(recorded), {});
});

test("the Go shim's delete cleans up with the runtime and root that are written here", { skip }, async () => {
  await withTempDir(async (dir) => {
    const fake = makeFakeRunc(dir);
    const bundle = path.join(dir, "c1");
    fs.mkdirSync(bundle);
    fs.writeFileSync(path.join(bundle, "config.json"), '{"ociVersion":"1.0.2"}');
    writeOptions(bundle, { ...defaultRuncOptions, binaryName: fake.binary, root: fake.root });
    writeRuntime(bundle, fake.binary);
    const args = [
      "-namespace",
      "ns",
      "-id",
      "c1",
      "-address",
      "/nosuchsocket",
      "-publish-binary",
      "/bin/true",
      "delete",
    ];
    const { exitCode } = await runCommand({ file: SHIM, args, cwd: bundle, timeoutMs: 60_000 });
    assert.equal(exitCode, 0);
    const argv = fake.calls()[0]?.argv ?? [];
    assert.deepEqual(argv.slice(0, 2), ["--root", path.join(fake.root, "ns")]);
    assert.deepEqual(argv.slice(-3), ["delete", "--force", "c1"]);
  });
});

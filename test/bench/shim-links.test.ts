import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { ShimLinks } from "../../bench/shim-links.ts";

const SHIMS = ["/opt/new/containerd-shim-runc-v2", "/usr/bin/containerd-shim-runc-v2"].map((binary) => ({
  binary,
  label: binary,
  ours: false,
}));

describe("the shims that a containerd is to tell apart", () => {
  let dir = "";
  before(() => {
    dir = mkdtempSync(path.join(os.tmpdir(), "ebb-test-links-"));
  });
  after(() => rmSync(dir, { recursive: true }));

  test("have a runtime each, though their programs have one name", () => {
    const links = new ShimLinks({ dir, shims: SHIMS });
    const runtimes = SHIMS.map((shim) => links.runtimeOf(shim));
    assert.deepEqual(runtimes, ["io.containerd.bench1.v2", "io.containerd.bench2.v2"]);
    const names = readdirSync(links.directory).sort();
    // What containerd looks for in PATH where it is asked for such a runtime.
    assert.deepEqual(names, ["containerd-shim-bench1-v2", "containerd-shim-bench2-v2"]);
    const targets = names.map((name) => readlinkSync(path.join(links.directory, name)));
    assert.deepEqual(
      targets,
      SHIMS.map(({ binary }) => binary),
    );
  });
});

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import { writeOptions } from "../../src/oci/bundle.ts";
import { defaultRuncOptions } from "../../src/oci/options.ts";
import { containerd } from "../../src/proto/index.ts";
import { notRoot, scratch } from "../rootfs/scratch.ts";
import { runShim } from "../support/shim-process.ts";

const libc = loadLibc();
const place = scratch(libc);

describe("the `delete` command", () => {
  test("takes the rootfs off the tree also where the OCI runtime does not come to an end", {
    skip: notRoot,
  }, async () => {
    const [bundle = "", rootfs = ""] = place.make("hangs", "hangs/rootfs");
    const hanging = path.join(place.dir, "hanging-runtime");
    fs.writeFileSync(hanging, "#!/bin/sh\nexec sleep 30\n", { mode: 0o755 });
    writeOptions(bundle, { ...defaultRuncOptions, binaryName: hanging });
    await libc.mount({ source: "none", target: rootfs, type: "tmpfs", flags: 0, data: "" });
    const { stdout, stderr } = await runShim(
      ["-namespace", "ebb-test", "-address", "/none", "-id", "hangs", "-bundle", bundle, "delete"],
      { cwd: bundle, env: { EBB_DELETE_MS: "2000", EBB_RUN_DIR: place.host.runDirectory } },
    );
    assert.deepEqual(place.mounts(), []);
    assert.match(stderr, /^the container of hangs: removing the container took longer than \d+ ms\n$/);
    assert.equal(containerd.task.v2.DeleteResponse.decode(stdout).exitStatus, 137);
  });
});

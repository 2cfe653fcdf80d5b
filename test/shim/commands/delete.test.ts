import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { loadLibc } from "../../../src/linux/koffi-libc.ts";
import { MountFlag } from "../../../src/linux/libc.ts";
import { writeOptions } from "../../../src/oci/bundle.ts";
import { defaultRuncOptions } from "../../../src/oci/options.ts";
import { containerd } from "../../../src/proto/index.ts";
import { notRoot, scratch } from "../../rootfs/scratch.ts";
import { runShim } from "../../support/shim-process.ts";

const libc = loadLibc();
const place = scratch(libc);
/** A program that leaves the socket it listened on, as one that is killed does. */
const leaveSocket = `
  require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"));`;

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
    assert.match(stderr, /^the container of hangs: removing it took longer than \d+ ms\n$/);
    assert.equal(containerd.task.v2.DeleteResponse.decode(stdout).exitStatus, 137);
  });

  test("removes the socket before the rootfs takes all the time there is", {
    skip: notRoot,
  }, async () => {
    const [bundle = "", rootfs = "", source = "", bin = ""] = place.make(
      ...["synced", "synced/rootfs", "source", "bin"],
    );
    const program = (name: string, text: string) => {
      const file = path.join(bin, name);
      fs.writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
      return file;
    };
    writeOptions(bundle, { ...defaultRuncOptions, binaryName: program("runtime", "exit 0") });
    const socket = path.join(place.dir, "socket");
    const seen = path.join(place.dir, "seen");
    program("sync", `if [ -e ${socket} ]; then echo there; else echo gone; fi >${seen}\nexec sleep 30`);
    const left = spawnSync(process.execPath, ["-e", leaveSocket, socket]);
    assert.ok(fs.existsSync(socket), String(left.stderr));
    fs.writeFileSync(path.join(bundle, "address"), `unix://${socket}`);
    await libc.mount({ source, target: rootfs, type: "", flags: MountFlag.bind, data: "" });
    const { stderr } = await runShim(
      ["-namespace", "ebb-test", "-address", "/none", "-id", "synced", "-bundle", bundle, "delete"],
      {
        cwd: bundle,
        env: {
          ...{ EBB_DELETE_MS: "1500", EBB_RELEASE: "strict", EBB_RUN_DIR: place.host.runDirectory },
          PATH: `${bin}:${process.env.PATH}`,
        },
      },
    );
    assert.match(stderr, /^the rootfs of synced: removing it took longer than \d+ ms\n$/);
    assert.equal(fs.readFileSync(seen, "utf8"), "gone\n");
  });
});

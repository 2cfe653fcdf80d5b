import assert from "node:assert/strict";
import { lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { busyboxPath, makeBusyboxRootfs } from "../../lab/busybox-rootfs.ts";
import { command, must } from "../../lab/command.ts";
import { writeImage } from "../../lab/image.ts";

const skip = busyboxPath() === undefined ? "there is no busybox" : false;
const notRoot = process.getuid?.() === 0 ? false : "chroot needs root";

describe("the busybox root file system", () => {
  let scratch = "";
  let rootfs = "";
  before(async () => {
    if (skip !== false) return;
    scratch = mkdtempSync(path.join(os.tmpdir(), "ebb-test-image-"));
    rootfs = path.join(scratch, "rootfs");
    await makeBusyboxRootfs(rootfs);
  });
  after(() => rmSync(scratch, { recursive: true, force: true }));

  test("has busybox as a program, not as a link to itself", { skip }, () => {
    const status = lstatSync(path.join(rootfs, "bin/busybox"));
    assert.ok(status.isFile() && (status.mode & 0o111) === 0o111);
  });

  test("runs a shell and its applets from within", { skip: skip || notRoot }, async () => {
    const script = "echo $(id -un) > /tmp/who && cat /tmp/who && exit 3";
    const { stdout, exitCode } = await command("chroot", [rootfs, "/bin/sh", "-c", script]);
    assert.deepEqual([stdout, exitCode], ["root\n", 3]);
    rmSync(path.join(rootfs, "tmp/who"));
  });

  test("has every applet as a link", { skip }, () => {
    for (const applet of ["sh", "dd", "cat", "sleep", "sync"]) {
      assert.equal(readlinkSync(path.join(rootfs, "bin", applet)), "busybox");
    }
  });

  test("lets everybody write to /tmp", { skip }, () => {
    assert.equal(statSync(path.join(rootfs, "tmp")).mode & 0o7777, 0o1777);
  });

  test("makes the same image twice, byte for byte", { skip }, async () => {
    const archives = ["one.tar", "two.tar"].map((name) => path.join(scratch, name));
    for (const archive of archives) await writeImage(rootfs, "ebb.local/test:1", archive);
    const [one = "", two = ""] = archives;
    assert.ok(readFileSync(one).equals(readFileSync(two)));
  });

  test("names each blob of the image by its digest, and the layer by its content", { skip }, async () => {
    const archive = path.join(scratch, "three.tar");
    await writeImage(rootfs, "ebb.local/test:1", archive);
    const layout = path.join(scratch, "layout");
    await must("mkdir", [layout]);
    await must("tar", ["-xf", archive, "-C", layout]);
    const read = (name: string) => JSON.parse(readFileSync(path.join(layout, name), "utf8"));
    const blob = ({ digest }: { digest: string }) => `blobs/${digest.replace(":", "/")}`;
    const manifest = read(blob(read("index.json").manifests[0]));
    assert.deepEqual(read(blob(manifest.config)).rootfs.diff_ids, [manifest.layers[0].digest]);
    for (const descriptor of [manifest.config, manifest.layers[0]]) {
      const sum = await must("sha256sum", [path.join(layout, blob(descriptor))]);
      assert.equal(`sha256:${sum.slice(0, 64)}`, descriptor.digest);
      assert.equal(statSync(path.join(layout, blob(descriptor))).size, descriptor.size);
    }
  });
});

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { busyboxPath } from "../../../lab/busybox-rootfs.ts";
import type { PushedImage } from "../../../lab/push-image.ts";
import { type LabRegistry, startRegistry, whyNoRegistry } from "../../../lab/registry.ts";
import { StatusCode } from "../../../src/base/status.ts";
import { readImage } from "../../../src/images/image.ts";
import { hostPlatform } from "../../../src/images/platform.ts";
import { withTempDir } from "../../support/files.ts";
import { status } from "../../support/status.ts";
import { makeHome } from "./pull-support.ts";

const skip = whyNoRegistry() ?? (busyboxPath() === undefined ? "there is no busybox" : false);

for (const basicAuth of [false, true]) {
  describe(`Debian's registry ${basicAuth ? "with a password" : "for everybody"}`, () => {
    let registry: LabRegistry;
    let image: PushedImage;
    before(async () => {
      if (skip !== false) return;
      registry = await startRegistry({ basicAuth });
      image = await registry.pushBusybox("test/busybox:1");
    });
    after(() => registry?.dispose());

    const home = (directory: string) => makeHome(directory, { credentials: () => registry.user });

    test("gives out an image, by its tag and by its digest", { skip }, async () => {
      await withTempDir(async (directory) => {
        const { store, pull } = home(directory);
        const byTag = await pull(image.reference);
        assert.equal(byTag.target.digest, image.manifest.digest);
        const { layers } = await readImage(store, byTag.target, hostPlatform());
        assert.deepEqual(layers, image.layers);
        const byDigest = await pull(`${registry.host}/test/busybox@${image.manifest.digest}`);
        assert.deepEqual(byDigest.target, byTag.target);
      });
    });

    test("says in one line that it has no such image", { skip }, async () => {
      await withTempDir(async (directory) => {
        const told = new RegExp(`^registry ${registry.host} has no test/nothing:2$`);
        const pulled = home(directory).pull(`${registry.host}/test/nothing:2`);
        await assert.rejects(pulled, status(StatusCode.notFound, told));
      });
    });
  });
}

test("Debian's registry lets nobody in who is not known to it", { skip }, async () => {
  const registry = await startRegistry({ basicAuth: true });
  try {
    const { reference } = await registry.pushBusybox("test/busybox:1");
    await withTempDir(async (directory) => {
      const told = /does not give out test\/busybox:1: .* docker's configuration names none for it$/;
      await assert.rejects(makeHome(directory).pull(reference), status(StatusCode.unauthenticated, told));
    });
  } finally {
    await registry.dispose();
  }
});

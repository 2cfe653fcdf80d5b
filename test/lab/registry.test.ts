import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { busyboxPath } from "../../lab/busybox-rootfs.ts";
import type { PushedImage } from "../../lab/push-image.ts";
import { type LabRegistry, startRegistry, whyNoRegistry } from "../../lab/registry.ts";

const skip = whyNoRegistry() ?? (busyboxPath() === undefined ? "there is no busybox" : false);

for (const basicAuth of [false, true]) {
  describe(`a registry of one's own ${basicAuth ? "with a user" : "for everybody"}`, () => {
    let registry: LabRegistry;
    let image: PushedImage;
    before(async () => {
      if (skip !== false) return;
      registry = await startRegistry({ basicAuth });
      image = await registry.pushBusybox("some/where/busybox:1");
    });
    after(() => registry?.dispose());

    const get = (place: string, headers: Record<string, string> = {}) =>
      fetch(`http://${registry.host}/v2/${place}`, { headers: { connection: "close", ...headers } });
    const who = () =>
      registry.user && Buffer.from(`${registry.user.username}:${registry.user.password}`).toString("base64");

    test("gives out what was pushed to it", { skip }, async () => {
      const headers = {
        accept: image.manifest.mediaType,
        ...(basicAuth && { authorization: `Basic ${who()}` }),
      };
      const answer = await get("some/where/busybox/manifests/1", headers);
      assert.equal(answer.headers.get("docker-content-digest"), image.manifest.digest);
      assert.equal(image.reference, `${registry.host}/some/where/busybox:1`);
      assert.deepEqual(((await answer.json()) as { layers: unknown }).layers, image.layers);
    });

    test("lets in who may, and logs who asks", { skip }, async () => {
      const answer = await get("", { "user-agent": "somebody" });
      await answer.text();
      assert.equal(answer.status, basicAuth ? 401 : 200);
      assert.match(registry.log(), /somebody/);
    });
  });
}

test("a registry leaves nothing when it is disposed of, and may be once more", { skip }, async () => {
  const registry = await startRegistry();
  await registry.dispose();
  await registry.dispose();
  await assert.rejects(fetch(`http://${registry.host}/v2/`));
  assert.equal(registry.log(), "");
});

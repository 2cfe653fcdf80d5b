import assert from "node:assert/strict";
import { test } from "node:test";
import { imageSize } from "../../../src/client/images/image-size.ts";
import { ContentStore } from "../../../src/images/content-store.ts";
import { MANIFEST_TYPES } from "../../../src/images/media-types.ts";
import { image, index, refer, sample, sourceOf } from "../../images/samples.ts";
import { withTempDir } from "../../support/files.ts";

test("the size of an image is that of all there is of it, whatever an index says of it", async () => {
  await withTempDir(async (directory) => {
    const store = new ContentStore(directory);
    const [here, elsewhere] = [image(["x".repeat(5 << 20)]), image(["elsewhere"])];
    const [layer = sample("")] = here.layers;
    const list = index([
      refer(layer, { mediaType: MANIFEST_TYPES[0] }),
      refer(here.config, { mediaType: "application/odd" }),
      refer(elsewhere.manifest),
      refer(here.manifest),
    ]);
    const blobs = [list, ...here.blobs];
    for (const blob of blobs) await store.ingest(blob, sourceOf(blob.bytes, 1 << 20).source);
    const bytes = blobs.reduce((sum, { size }) => sum + size, 0);
    assert.equal(await imageSize(store, refer(list)), bytes);
  });
});

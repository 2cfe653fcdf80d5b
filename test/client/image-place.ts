import fs from "node:fs";
import path from "node:path";
import { writeImageLayout } from "../../lab/image.ts";
import { ContentStore } from "../../src/images/content-store.ts";
import type { Descriptor } from "../../src/images/descriptor.ts";
import { digestOf } from "../../src/images/digest.ts";
import { ImageStore } from "../../src/images/image-store.ts";

/** Puts an image of one file, with this text in it, into a directory of images, packed, and returns its descriptor. */
export async function placeImage(images: string, reference: string, text: string): Promise<Descriptor> {
  const scratch = fs.mkdtempSync(`${images}.layout-`);
  try {
    const [rootfs, layout] = [path.join(scratch, "rootfs"), path.join(scratch, "layout")];
    fs.mkdirSync(rootfs);
    fs.writeFileSync(path.join(rootfs, "file"), text);
    await writeImageLayout(rootfs, { name: reference, gzip: true }, layout);
    return await takeIn(images, layout, reference);
  } finally {
    fs.rmSync(scratch, { recursive: true });
  }
}

async function takeIn(images: string, layout: string, reference: string): Promise<Descriptor> {
  const store = new ContentStore(images);
  const blobs = path.join(layout, "blobs/sha256");
  for (const name of fs.readdirSync(blobs)) {
    const bytes = fs.readFileSync(path.join(blobs, name));
    const descriptor = { mediaType: "any", digest: digestOf(bytes), size: bytes.length };
    await store.ingest(descriptor, async function* (offset) {
      yield bytes.subarray(offset);
    });
  }
  const [{ annotations: _, ...target }] = JSON.parse(
    fs.readFileSync(path.join(layout, "index.json"), "utf8"),
  ).manifests;
  await new ImageStore(images).put({ reference, target, createdAt: new Date().toISOString() });
  return target;
}

/** Writes down a container that is made of these; returns the file of its record. */
export function placeContainer(
  images: string,
  id: string,
  uses: { image?: string; lowerDirs: readonly string[] },
) {
  const [layer, record] = [path.join(images, "containers", `${id}.1`), `${images}-state/containers/${id}`];
  for (const directory of [layer, record]) fs.mkdirSync(directory, { recursive: true });
  fs.symlinkSync(record, path.join(layer, "record"));
  fs.symlinkSync(layer, path.join(record, "layer"));
  const file = path.join(record, "container.json");
  fs.writeFileSync(file, JSON.stringify({ id, ...uses }));
  return file;
}

/** How much there is in each folder of a directory of images. */
export function countFiles(images: string): Readonly<Record<string, number>> {
  const folders = ["blobs/sha256", "layers/sha256", "layers/tmp", "images"];
  const count = (folder: string) => {
    const where = path.join(images, folder);
    return fs.existsSync(where) ? fs.readdirSync(where).length : 0;
  };
  return Object.fromEntries(folders.map((folder) => [folder, count(folder)]));
}

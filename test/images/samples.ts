/** Content that tests put into a store. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Descriptor } from "../../src/images/descriptor.ts";
import { digestOf } from "../../src/images/digest.ts";
import { CONFIG_TYPES, INDEX_TYPES, MANIFEST_TYPES } from "../../src/images/media-types.ts";

/** A blob: its bytes and what refers to it. */
export interface Sample extends Descriptor {
  readonly bytes: Buffer;
}

/** A blob of some bytes. */
export function sample(content: string | Buffer, mediaType = "application/octet-stream"): Sample {
  const bytes = Buffer.from(content);
  return { mediaType, digest: digestOf(bytes), size: bytes.length, bytes };
}

/** A blob of so many bytes, each seed's another. */
export function large(size: number, seed = 1): Sample {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at += 1) bytes[at] = (at * 31 + (at >> 8) * seed) & 0xff;
  return sample(bytes);
}

/** What refers to a blob, as it is written. */
export function refer({ mediaType, digest, size }: Sample, more: Partial<Descriptor> = {}): Descriptor {
  return { mediaType, digest, size, ...more };
}

/** A document as a blob. */
export function json(value: unknown, mediaType: string): Sample {
  return sample(JSON.stringify(value), mediaType);
}

/** The blobs of an image whose layers have these contents, its manifest first. */
export function image(layerTexts: readonly string[], platform = { os: "linux", architecture: "amd64" }) {
  const layers = layerTexts.map((text) => sample(text, "application/vnd.oci.image.layer.v1.tar"));
  const rootfs = { type: "layers", diff_ids: layers.map(({ digest }) => digest) };
  const config = json({ ...platform, config: { Cmd: ["sh"] }, rootfs }, CONFIG_TYPES[0]);
  const mediaType = MANIFEST_TYPES[0];
  const refers = { config: refer(config), layers: layers.map((layer) => refer(layer)) };
  const manifest = json({ schemaVersion: 2, mediaType, ...refers }, mediaType);
  return { manifest, config, layers, blobs: [manifest, config, ...layers] };
}

/** An index of manifests. */
export function index(manifests: readonly Descriptor[]): Sample {
  return json({ schemaVersion: 2, mediaType: INDEX_TYPES[0], manifests }, INDEX_TYPES[0]);
}

/** A source that gives bytes in pieces, from where it is asked to, and remembers the offsets. */
export function sourceOf(bytes: Buffer, pieceBytes = 1000) {
  const offsets: number[] = [];
  const source = async function* (offset: number) {
    offsets.push(offset);
    for (let at = offset; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  };
  return { source, offsets };
}

/** The first so many bytes, and then an error. */
export function breakingSource(bytes: Buffer, after: number, error = new Error("the line broke")) {
  return async function* (offset: number) {
    yield bytes.subarray(offset, after);
    throw error;
  };
}

/** The first so many bytes, and then nothing until the end of time, whatever is asked of it. */
export function hangingSource(bytes: Buffer, after: number) {
  return async function* (offset: number) {
    yield bytes.subarray(offset, after);
    await new Promise(() => {});
  };
}

/** Lets everything that is ready run. */
export async function settle(): Promise<void> {
  await sleep(50);
}

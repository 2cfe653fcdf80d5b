import { Readable } from "node:stream";
import zlib from "node:zlib";
import { StatusCode, StatusError } from "../../../src/base/status.ts";
import type { UnpackImage, UnpackOptions } from "../../../src/images/unpack/unpack.ts";
import { digestOf } from "./archive.ts";

/** An image and the store that has its layers, which counts how often each is read. */
export interface TestImage extends UnpackImage {
  readonly store: { open(digest: string): Promise<Readable>; remove(digest: string): Promise<boolean> };
  /** The bytes of each blob by its digest: for tests that damage them. */
  readonly blobs: Map<string, Buffer>;
  readonly opened: string[];
}

/** An image of these archives, from the lowest layer on, packed by gzip. */
export function imageOf(...archives: readonly Buffer[]): TestImage {
  const blobs = archives.map((bytes) => zlib.gzipSync(bytes));
  const byDigest = new Map(blobs.map((blob) => [String(digestOf(blob)), blob]));
  const opened: string[] = [];
  const open = async (digest: string) => {
    opened.push(digest);
    const blob = byDigest.get(digest);
    if (blob === undefined) throw new StatusError(StatusCode.notFound, `no blob ${digest}`);
    return Readable.from([blob]);
  };
  const remove = async (digest: string) => byDigest.delete(digest);
  const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";
  const layers = blobs.map((blob) => ({ mediaType, digest: digestOf(blob), size: blob.length }));
  return { layers, diffIds: archives.map(digestOf), store: { open, remove }, opened, blobs: byDigest };
}

/** How tests unpack unless they want something else. */
export function optionsFor(layersDirectory: string, more: Partial<UnpackOptions> = {}): UnpackOptions {
  const limits = { maxBytes: 1 << 30, maxFiles: 100_000, maxMemoryBytes: 1 << 26 };
  return { layersDirectory, ...limits, syncAfterUnpack: false, layersAtOnce: 2, ...more };
}

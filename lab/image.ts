import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { makeBusyboxRootfs } from "./busybox-rootfs.ts";
import { must } from "./command.ts";

/** What makes two archives of the same tree the same bytes: order, times and owners fixed. */
const TAR = [
  "--create",
  "--format=gnu",
  "--sort=name",
  "--mtime=@0",
  "--owner=0",
  "--group=0",
  "--numeric-owner",
];

/** Node's names of processors in the terms of OCI images. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What refers to a blob, as it is written. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Writes an image layout's blob and returns its descriptor. */
function writeBlob(layout: string, mediaType: string, content: Buffer): Descriptor {
  const digest = digestOf(content);
  writeFileSync(path.join(layout, "blobs", digest.replace(":", "/")), content);
  return { mediaType, digest, size: content.length };
}

function digestOf(content: Buffer): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** What an image is called, what it runs where nobody says otherwise, and whether its layer is compressed. */
export interface ImageOptions {
  readonly name: string;
  readonly cmd?: readonly string[];
  readonly gzip?: boolean;
  /** More of what it says about its containers, by OCI's names, such as `Entrypoint`. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** The layout's blobs and index for one layer. */
function writeLayout(
  layout: string,
  { name, cmd = ["/bin/sh"], gzip = false, config: more = {} }: ImageOptions,
  tar: Buffer,
): void {
  mkdirSync(path.join(layout, "blobs/sha256"), { recursive: true });
  const layerType = "application/vnd.oci.image.layer.v1.tar";
  const layer = gzip
    ? writeBlob(layout, `${layerType}+gzip`, gzipSync(tar))
    : writeBlob(layout, layerType, tar);
  const config = writeBlob(
    layout,
    "application/vnd.oci.image.config.v1+json",
    json({
      created: "1970-01-01T00:00:00Z",
      architecture: ARCHITECTURES[process.arch] ?? process.arch,
      os: "linux",
      config: { Env: [PATH], Cmd: cmd, ...more },
      // The digest of the layer as a tar, however it travels.
      rootfs: { type: "layers", diff_ids: [digestOf(tar)] },
    }),
  );
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = writeBlob(
    layout,
    mediaType,
    json({ schemaVersion: 2, mediaType, config, layers: [layer] }),
  );
  const annotations = { "io.containerd.image.name": name, "org.opencontainers.image.ref.name": name };
  writeFileSync(path.join(layout, "oci-layout"), json({ imageLayoutVersion: "1.0.0" }));
  writeFileSync(
    path.join(layout, "index.json"),
    json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  );
}

/** Writes an OCI image layout of one root file system into a directory. The same tree gives the same bytes. */
export async function writeImageLayout(
  rootfs: string,
  options: ImageOptions,
  directory: string,
): Promise<void> {
  const scratch = mkdtempSync(path.join(os.tmpdir(), "ebb-image-"));
  try {
    const layer = path.join(scratch, "layer.tar");
    await must("tar", [...TAR, "--file", layer, "--directory", rootfs, "."]);
    writeLayout(directory, options, readFileSync(layer));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Writes an OCI archive of one root file system, for `ctr image import`. The same tree gives the same bytes. */
export async function writeImage(
  rootfs: string,
  name: string,
  archive: string,
  cmd: readonly string[] = ["/bin/sh"],
): Promise<void> {
  const layout = mkdtempSync(path.join(os.tmpdir(), "ebb-image-"));
  try {
    await writeImageLayout(rootfs, { name, cmd }, layout);
    const parts = ["blobs", "index.json", "oci-layout"];
    await must("tar", [...TAR, "--file", archive, "--directory", layout, ...parts]);
  } finally {
    rmSync(layout, { recursive: true, force: true });
  }
}

/** The name under which {@link writeBusyboxImage}'s image is imported. */
export const BUSYBOX_IMAGE = "ebb.local/busybox:latest";

/** The name under which {@link writePauseImage}'s image is imported. */
export const PAUSE_IMAGE = "ebb.local/pause:latest";

/** Writes an archive of a busybox image, made without any network. Returns its size in bytes. */
export function writeBusyboxImage(archive: string): Promise<number> {
  return writeBusybox(archive, BUSYBOX_IMAGE, ["/bin/sh"]);
}

/** Writes an archive of an image that does nothing for ever, which is what holds a pod together. */
export function writePauseImage(archive: string): Promise<number> {
  return writeBusybox(archive, PAUSE_IMAGE, ["/bin/sleep", "2147483647"]);
}

async function writeBusybox(archive: string, name: string, cmd: readonly string[]): Promise<number> {
  const rootfs = mkdtempSync(path.join(os.tmpdir(), "ebb-rootfs-"));
  try {
    await makeBusyboxRootfs(rootfs);
    await writeImage(rootfs, name, archive, cmd);
    return statSync(archive).size;
  } finally {
    rmSync(rootfs, { recursive: true, force: true });
  }
}

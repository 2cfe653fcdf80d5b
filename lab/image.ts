import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
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

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Writes an image layout's blob and returns its descriptor. */
function writeBlob(layout: string, mediaType: string, content: Buffer): Descriptor {
  const hex = createHash("sha256").update(content).digest("hex");
  writeFileSync(path.join(layout, "blobs/sha256", hex), content);
  return { mediaType, digest: `sha256:${hex}`, size: content.length };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** What the image is called, and what it runs where nobody says otherwise. */
interface ImageNames {
  readonly name: string;
  readonly cmd: readonly string[];
}

/** The layout's blobs and index for one uncompressed layer. */
function writeLayout(layout: string, { name, cmd }: ImageNames, layer: Buffer): void {
  mkdirSync(path.join(layout, "blobs/sha256"), { recursive: true });
  const rootfs = writeBlob(layout, "application/vnd.oci.image.layer.v1.tar", layer);
  const config = writeBlob(
    layout,
    "application/vnd.oci.image.config.v1+json",
    json({
      created: "1970-01-01T00:00:00Z",
      architecture: ARCHITECTURES[process.arch] ?? process.arch,
      os: "linux",
      config: { Env: [PATH], Cmd: cmd },
      // The digest of the layer as a tar, which is how it travels here.
      rootfs: { type: "layers", diff_ids: [rootfs.digest] },
    }),
  );
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = writeBlob(
    layout,
    mediaType,
    json({ schemaVersion: 2, mediaType, config, layers: [rootfs] }),
  );
  const annotations = { "io.containerd.image.name": name, "org.opencontainers.image.ref.name": name };
  writeFileSync(path.join(layout, "oci-layout"), json({ imageLayoutVersion: "1.0.0" }));
  writeFileSync(
    path.join(layout, "index.json"),
    json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  );
}

/** Writes an OCI archive of one root file system, for `ctr image import`. The same tree gives the same bytes. */
export async function writeImage(
  rootfs: string,
  name: string,
  archive: string,
  cmd: readonly string[] = ["/bin/sh"],
): Promise<void> {
  const scratch = mkdtempSync(path.join(os.tmpdir(), "ebb-image-"));
  try {
    const layer = path.join(scratch, "layer.tar");
    await must("tar", [...TAR, "--file", layer, "--directory", rootfs, "."]);
    const layout = path.join(scratch, "layout");
    writeLayout(layout, { name, cmd }, readFileSync(layer));
    await must("tar", [
      ...TAR,
      "--file",
      archive,
      "--directory",
      layout,
      "blobs",
      "index.json",
      "oci-layout",
    ]);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
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

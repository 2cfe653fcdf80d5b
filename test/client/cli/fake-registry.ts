import { createHash } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync, gzipSync } from "node:zlib";
import { must } from "../../../lab/command.ts";

/** What a registry does that does not do what it should. */
export interface Faults {
  /** The layer has other bytes than its digest says. */
  readonly wrongLayer?: boolean;
  /** The layer ends, or seems to, before its first byte, and the connection stays open. */
  readonly stalls?: boolean;
  /** Everything is answered with this status. */
  readonly status?: number;
}

/** A registry in this process, with one image of one layer under every name that begins with `app`. */
export interface FakeRegistry {
  /** `localhost:PORT`. */
  readonly host: string;
  /** How many requests for blobs there were. */
  readonly blobs: () => number;
  close(): Promise<void>;
}

interface Blob {
  readonly digest: string;
  readonly size: number;
  readonly bytes: Buffer;
}

const blobOf = (bytes: Buffer): Blob => ({
  bytes,
  digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`,
  size: bytes.length,
});
const json = (value: unknown) => blobOf(Buffer.from(JSON.stringify(value)));

/** The files of a directory as a packed layer. */
async function packed(directory: string): Promise<Buffer> {
  const archive = await must("sh", ["-c", 'tar -C "$1" -cf - . | base64', "sh", directory]);
  return gzipSync(Buffer.from(archive, "base64"));
}

/** An image of one layer, in the form that a registry has it. */
function imageOf(bytes: Buffer) {
  const layer = blobOf(bytes);
  const config = json({
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    config: { Cmd: ["/bin/sh"], Env: ["PATH=/bin"] },
    rootfs: { type: "layers", diff_ids: [blobOf(gunzipSync(bytes)).digest] },
  });
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const describe = ({ digest, size }: Blob, type: string) => ({ mediaType: type, digest, size });
  const manifest = json({
    schemaVersion: 2,
    mediaType,
    config: describe(config, "application/vnd.oci.image.config.v1+json"),
    layers: [describe(layer, "application/vnd.oci.image.layer.v1.tar+gzip")],
  });
  return { layer, config, manifest, mediaType };
}

/** Serves an image of the files of a directory, or of a layer that is packed by gzip. */
export async function serveImage(source: string | Buffer, faults: Faults = {}): Promise<FakeRegistry> {
  const bytes = typeof source === "string" ? await packed(source) : source;
  const { layer, config, manifest, mediaType } = imageOf(bytes);
  let blobs = 0;
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const answer = (blob: Blob, type = "application/octet-stream") => {
      response.writeHead(200, {
        "content-type": type,
        "content-length": blob.size,
        "docker-content-digest": blob.digest,
      });
      response.end(request.method === "HEAD" ? undefined : blob.bytes);
    };
    if (faults.status !== undefined) return void response.writeHead(faults.status).end("{}");
    if (pathname === "/v2/") return void response.writeHead(200).end("{}");
    if (/^\/v2\/app[^/]*\/manifests\/(?!missing)/.test(pathname)) return answer(manifest, mediaType);
    if (/\/blobs\//.test(pathname)) blobs += 1;
    if (pathname.endsWith(config.digest)) return answer(config);
    if (!pathname.endsWith(layer.digest)) return void response.writeHead(404).end("{}");
    if (faults.stalls) return response.writeHead(200, { "content-length": layer.size }).flushHeaders();
    answer(faults.wrongLayer ? { ...layer, bytes: Buffer.alloc(layer.size) } : layer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `localhost:${(server.address() as AddressInfo).port}`,
    blobs: () => blobs,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

import http from "node:http";
import type { AddressInfo } from "node:net";
import { type Digest, digestOf } from "../../../src/images/digest.ts";
import { INDEX_TYPES, MANIFEST_TYPES } from "../../../src/images/media-types.ts";
import { hostPlatform } from "../../../src/images/platform.ts";
import type { RegistryLimits } from "../../../src/images/registry/settings.ts";

/** Limits that no test waits for. */
export const LIMITS: RegistryLimits = { stallMs: 20_000, retries: 2, backoffMs: 1, blobsAtOnce: 3 };

/** A signal that never aborts. */
export const never = (): AbortSignal => new AbortController().signal;

/** One request that came, in the order of coming. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
}

/** Answers a request itself, or leaves it to the registry by returning false. */
export type Intercept = (request: http.IncomingMessage, response: http.ServerResponse) => boolean;

/** An image of a {@link FakeRegistry}. */
export interface FakeImage {
  readonly manifest: Digest;
  readonly config: Digest;
  readonly layers: readonly Digest[];
}

interface Document {
  readonly type: string;
  readonly bytes: Buffer;
}

/** A registry in this process that behaves as badly as a test wants. */
export class FakeRegistry {
  readonly requests: Seen[] = [];
  readonly blobs = new Map<Digest, Buffer>();
  /** By `REPOSITORY/TAG` and `REPOSITORY/DIGEST`. */
  readonly documents = new Map<string, Document>();
  /** Asked first about each request. */
  intercept: Intercept = () => false;
  /** Whether it can begin in the middle of a blob. */
  hasRanges = true;
  readonly #server: http.Server;
  #connections = 0;

  private constructor() {
    this.#server = http.createServer((request, response) => this.#serve(request, response));
    this.#server.on("connection", (socket) => {
      this.#connections += 1;
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#connections -= 1;
      });
    });
  }

  static async start(): Promise<FakeRegistry> {
    const registry = new FakeRegistry();
    await new Promise<void>((resolve) => registry.#server.listen(0, "127.0.0.1", resolve));
    return registry;
  }

  /** Host and port. */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#connections;
  }

  /** How many requests came for what a path ends with. */
  count(end: string): number {
    return this.requests.filter(({ path }) => path.endsWith(end)).length;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  /** Has an image of these layers under a name (`test/app:1`); what else its parts say can be said. */
  putImage(name: string, layers: readonly Buffer[], layerType = "application/vnd.oci.image.layer.v1.tar") {
    const descriptors = layers.map((bytes) => ({
      mediaType: layerType,
      digest: this.putBlob(bytes),
      size: bytes.length,
    }));
    const digests = descriptors.map(({ digest }) => digest);
    const { os, architecture } = hostPlatform();
    const config = json({ os, architecture, config: {}, rootfs: { type: "layers", diff_ids: digests } });
    const configDescriptor = {
      mediaType: "application/vnd.oci.image.config.v1+json",
      digest: this.putBlob(config),
      size: config.length,
    };
    const mediaType = MANIFEST_TYPES[0];
    const bytes = json({ schemaVersion: 2, mediaType, config: configDescriptor, layers: descriptors });
    const manifest = this.putDocument(name, mediaType, bytes);
    return { manifest, config: configDescriptor.digest, layers: digests } satisfies FakeImage;
  }

  /** Has an index under a name, of manifests of the same repository by their platforms (`linux/arm64`). */
  putIndex(name: string, manifests: Readonly<Record<string, Digest>>): Digest {
    const [repository = ""] = name.split(":");
    const entries = Object.entries(manifests).map(([platform, digest]) => {
      const [os, architecture] = platform.split("/");
      const document = this.documents.get(`${repository}/${digest}`);
      return {
        mediaType: document?.type,
        digest,
        size: document?.bytes.length,
        platform: { os, architecture },
      };
    });
    const bytes = json({ schemaVersion: 2, mediaType: INDEX_TYPES[0], manifests: entries });
    return this.putDocument(name, INDEX_TYPES[0], bytes);
  }

  putDocument(name: string, type: string, bytes: Buffer): Digest {
    const [repository = "", tag = "latest"] = name.split(":");
    const digest = digestOf(bytes);
    for (const version of [tag, digest]) this.documents.set(`${repository}/${version}`, { type, bytes });
    return digest;
  }

  putBlob(bytes: Buffer): Digest {
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    return digest;
  }

  #serve(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { method = "", url: path = "", headers } = request;
    this.requests.push({ method, path, headers });
    if (this.intercept(request, response)) return;
    const [, repository, kind, name = ""] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(path) ?? [];
    const blob = kind === "blobs" ? this.blobs.get(name as Digest) : undefined;
    const document = kind === "manifests" ? this.documents.get(`${repository}/${name}`) : undefined;
    if (blob !== undefined) {
      this.#serveBlob(blob, headers.range, response);
    } else if (document !== undefined) {
      response.writeHead(200, { "content-type": document.type, "content-length": document.bytes.length });
      response.end(document.bytes);
    } else {
      response.writeHead(404).end();
    }
  }

  #serveBlob(blob: Buffer, range: string | undefined, response: http.ServerResponse): void {
    const start = this.hasRanges ? Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0) : 0;
    if (start > 0 && start >= blob.length) {
      return void response.writeHead(416, { "content-range": `bytes */${blob.length}` }).end();
    }
    const part = blob.subarray(start);
    const where = { "content-range": `bytes ${start}-${blob.length - 1}/${blob.length}` };
    response.writeHead(start > 0 ? 206 : 200, { "content-length": part.length, ...(start > 0 && where) });
    response.end(part);
  }
}

/** Bytes that no other number gives. */
export function someBytes(length: number, number: number): Buffer {
  const bytes = Buffer.alloc(length, number);
  for (let at = 0; at + 4 <= length; at += 997) bytes.writeUInt32LE(at ^ (number << 20), at);
  return bytes;
}

export function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** Has a registry for one test. */
export async function withRegistry<T>(body: (registry: FakeRegistry) => Promise<T>): Promise<T> {
  const registry = await FakeRegistry.start();
  try {
    return await body(registry);
  } finally {
    await registry.close();
  }
}

import { jsonReader } from "../../base/json.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import type { Descriptor } from "../descriptor.ts";
import { type Digest, digestOf, isDigest } from "../digest.ts";
import { MAX_MANIFEST_BYTES } from "../manifest.ts";
import { INDEX_TYPES, MANIFEST_TYPES } from "../media-types.ts";
import { Authorizer } from "./authorizer.ts";
import { readBlob } from "./blob.ts";
import { type Endpoint, endpointsOf } from "./endpoint.ts";
import type { Exchange, Patience } from "./exchange.ts";
import { fromAnswer } from "./http-error.ts";
import { follow } from "./redirects.ts";
import { retrying } from "./retry.ts";
import type { RegistryLimits, RegistrySettings } from "./settings.ts";
import { SharedWork } from "./shared-work.ts";
import { Slots } from "./slots.ts";

/** Where an image is: on one server, under a path. */
export interface Place {
  readonly endpoint: Endpoint;
  readonly repository: string;
}

/** A manifest or an index as a registry gave it out. */
export interface Document {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** Who waits for a blob, and hears what happens on the way. */
export interface BlobWatch {
  readonly signal: AbortSignal;
  /** It has its turn among the blobs, and is asked for now. */
  readonly onBegin?: () => void;
  /** Its request is open and gives no byte. */
  readonly onStall?: () => void;
  /** It is asked for again, as something went wrong. */
  readonly onRetry?: (failure: StatusError) => void;
}

/** What a document says of itself. */
const documents = jsonReader(
  {
    type: "object",
    properties: { mediaType: { type: "string" }, manifests: { type: "array" } },
  } as const,
  StatusCode.failedPrecondition,
);

const ACCEPT = [...MANIFEST_TYPES, ...INDEX_TYPES].join(", ");

/**
 * Asks registries for images (OCI distribution specification). One for a process is best: those who ask it for the
 * same manifest or token meanwhile share one request, and all their blobs come a few at a time.
 */
export class RegistryClient {
  readonly #settings: RegistrySettings;
  readonly #limits: RegistryLimits;
  readonly #slots: Slots;
  readonly #authorizers = new Map<string, Authorizer>();
  readonly #manifests = new SharedWork<Document>();

  constructor(settings: RegistrySettings) {
    this.#settings = settings;
    this.#limits = settings.limits;
    this.#slots = new Slots(settings.limits.blobsAtOnce);
  }

  /** Whom to ask for what a registry has, in this order: its mirrors, then itself. */
  endpoints(registry: string): Endpoint[] {
    return endpointsOf(registry, this.#settings);
  }

  /** A manifest or an index by tag or digest; `dataLoss` where it is not what its name says. */
  async manifest(place: Place, version: string, signal: AbortSignal): Promise<Document> {
    const key = `${place.endpoint.base} ${place.repository} ${version}`;
    return await this.#manifests.do(key, signal, (shared) =>
      retrying(this.#limits, shared, () => this.#fetchManifest(place, version, shared)),
    );
  }

  /** The bytes of a blob from an offset on; they end with the signal's reason when that aborts. */
  async *blob(
    place: Place,
    blob: Descriptor,
    offset: number,
    { signal, onBegin, onStall, onRetry }: BlobWatch,
  ): AsyncGenerator<Uint8Array> {
    const giveBack = await this.#slots.take(signal);
    try {
      onBegin?.();
      const patience = { stallMs: this.#limits.stallMs, signal, onStall };
      const open = (headers: Readonly<Record<string, string>>) =>
        this.#get(place, `blobs/${blob.digest}`, headers, patience);
      yield* readBlob(blob, offset, open, { limits: this.#limits, signal, onRetry });
    } finally {
      giveBack();
    }
  }

  async #fetchManifest(place: Place, version: string, signal: AbortSignal): Promise<Document> {
    const what = nameOf(place, version);
    const patience = { stallMs: this.#limits.stallMs, signal };
    const exchange = await this.#get(place, `manifests/${version}`, { accept: ACCEPT }, patience);
    try {
      const { status, url } = exchange;
      if (status !== 200) throw fromAnswer(status, url.host, what);
      const bytes = await exchange.body(MAX_MANIFEST_BYTES, what);
      const digest = digestOf(bytes);
      const promised = isDigest(version) ? version : (exchange.header("docker-content-digest") ?? "");
      if (isDigest(promised) && promised !== digest) throw notAsPromised(url.host, what, promised, digest);
      const mediaType = mediaTypeOf(exchange, bytes, `registry ${url.host}: ${what}`);
      return { bytes, descriptor: { mediaType, digest, size: bytes.length } };
    } finally {
      exchange.close();
    }
  }

  /** Sends a GET to the server of a place, which is told who asks where it wants to know. */
  async #get(
    place: Place,
    rest: string,
    headers: Readonly<Record<string, string>>,
    patience: Patience,
  ): Promise<Exchange> {
    const { endpoint, repository } = place;
    const url = new URL(`${endpoint.base}/${repository}/${rest}`);
    const subject = {
      scope: `repository:${repository}:pull`,
      what: nameOf(place, rest.replace(/^.*\//, "")),
    };
    return await this.#authorizer(endpoint).send(subject, patience.signal, (authorization) =>
      follow({ url, headers: { ...headers, ...(authorization && { authorization }) } }, patience),
    );
  }

  #authorizer(endpoint: Endpoint): Authorizer {
    const known = this.#authorizers.get(endpoint.base);
    if (known !== undefined) return known;
    const credentials = () => this.#settings.credentials?.(endpoint.host);
    const made = new Authorizer(endpoint, credentials, this.#limits);
    this.#authorizers.set(endpoint.base, made);
    return made;
  }
}

function nameOf({ repository }: Place, version: string): string {
  return `${repository}${isDigest(version) ? "@" : ":"}${version}`;
}

/** What the document is: as the server calls it, unless that is a name for any document; then as it says itself. */
function mediaTypeOf(exchange: Exchange, bytes: Buffer, what: string): string {
  const [called = ""] = (exchange.header("content-type") ?? "").split(";");
  const type = called.trim().toLowerCase();
  if (type !== "" && type !== "application/json" && !type.startsWith("text/plain")) return type;
  const { mediaType, manifests } = documents.parse(bytes.toString("utf8"), what);
  return mediaType ?? (manifests === undefined ? MANIFEST_TYPES[0] : INDEX_TYPES[0]);
}

function notAsPromised(host: string, what: string, promised: string, found: Digest): StatusError {
  return new StatusError(
    StatusCode.dataLoss,
    `registry ${host} gives out something else as ${what}: it is to be ${promised}, and is ${found}`,
  );
}

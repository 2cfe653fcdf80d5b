import { StatusCode, StatusError } from "../base/status.ts";
import { chainIdsOf } from "./chain-ids.ts";
import type { ContentStore } from "./content-store.ts";
import type { Descriptor } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import { MAX_CONFIG_BYTES, MAX_MANIFEST_BYTES, parseConfig, parseIndex, parseManifest } from "./manifest.ts";
import { kindOf } from "./media-types.ts";

/** What images need: blobs, and unpacked layers by their chain ids. */
export interface Needed {
  readonly blobs: ReadonlySet<Digest>;
  readonly chainIds: ReadonlySet<Digest>;
}

/**
 * All that manifests and indexes refer to, as far as it is there: of an index mostly the image for one platform is.
 * What is damaged, or cannot be understood, refers to nothing, as nobody can do anything with it.
 */
export async function findNeeded(store: ContentStore, targets: readonly Descriptor[]): Promise<Needed> {
  const blobs = new Set<Digest>();
  const chainIds = new Set<Digest>();
  const visit = async (target: Descriptor): Promise<void> => {
    if (blobs.has(target.digest)) return;
    blobs.add(target.digest);
    for (const found of await childrenOf(store, target, chainIds)) await visit(found);
  };
  for (const target of targets) await visit(target);
  return { blobs, chainIds };
}

/** What a target refers to; chain ids are added on the way. */
async function childrenOf(
  store: ContentStore,
  { digest, mediaType }: Descriptor,
  chainIds: Set<Digest>,
): Promise<readonly Descriptor[]> {
  if (mediaType === LEAF) return [];
  return await orNone(async () => {
    const isIndex = kindOf(mediaType, digest) === "index";
    const bytes = await readSmall(store, digest, MAX_MANIFEST_BYTES);
    if (bytes === undefined) return [];
    if (isIndex) return parseIndex(bytes, digest);
    const { config, layers } = parseManifest(bytes, digest);
    for (const chainId of await chainIdsIn(store, config.digest)) chainIds.add(chainId);
    return [config, ...layers].map((one) => ({ ...one, mediaType: LEAF }));
  });
}

async function chainIdsIn(store: ContentStore, config: Digest): Promise<readonly Digest[]> {
  return await orNone(async () => {
    const bytes = await readSmall(store, config, MAX_CONFIG_BYTES);
    if (bytes === undefined) return [];
    return chainIdsOf(parseConfig(bytes, config).diffIds);
  });
}

/** A document; undefined for a blob that is too large to be one, as a layer is that somebody calls a manifest. */
async function readSmall(store: ContentStore, digest: Digest, maxBytes: number): Promise<Buffer | undefined> {
  const size = await store.sizeOf(digest);
  return size !== undefined && size > maxBytes ? undefined : await store.read(digest, maxBytes);
}

/** What configurations and layers count as: they refer to nothing, whatever they say that they are. */
const LEAF = "application/octet-stream";

const MEANINGLESS: readonly StatusCode[] = [
  StatusCode.notFound,
  StatusCode.dataLoss,
  StatusCode.invalidArgument,
  StatusCode.unimplemented,
];

/** What some work finds; nothing where what it reads means nothing. A disk that cannot be read is an error. */
async function orNone<T>(work: () => Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof StatusError && MEANINGLESS.includes(thrown.code)) return [];
    throw thrown;
  }
}

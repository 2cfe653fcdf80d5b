import { StatusCode, StatusError } from "../base/status.ts";
import type { ContentStore } from "./content-store.ts";
import type { Descriptor, Platform } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import {
  type ImageConfig,
  MAX_CONFIG_BYTES,
  MAX_MANIFEST_BYTES,
  parseConfig,
  parseIndex,
  parseManifest,
} from "./manifest.ts";
import { kindOf } from "./media-types.ts";
import { isSamePlatform, platformName } from "./platform.ts";

/** An image for one platform. */
export interface Image {
  /** The manifest that was chosen. */
  readonly manifest: Descriptor;
  readonly configDescriptor: Descriptor;
  readonly config: ImageConfig;
  /** The lowest first, as it travels: mostly compressed. */
  readonly layers: readonly Descriptor[];
  /** The digests of the same layers unpacked. */
  readonly diffIds: readonly Digest[];
}

/** An index in an index is found in some images; one that goes deeper was made to keep somebody busy. */
const MAX_DEPTH = 4;

/**
 * Reads an image from the content store, where a manifest or an index names it. `notFound` that lists the platforms
 * there are where none is the one that was asked for, or that names the blob that is not there; what is wrong with a
 * document is told by its digest and the place in it.
 */
export async function readImage(store: ContentStore, target: Descriptor, platform: Platform): Promise<Image> {
  return await readManifest(store, await findManifest(store, target, platform));
}

/** The same for the manifest of one platform, whichever that is. */
export async function readManifest(store: ContentStore, manifest: Descriptor): Promise<Image> {
  const what = `manifest ${manifest.digest}`;
  const document = await store.read(manifest.digest, MAX_MANIFEST_BYTES);
  const { config: configDescriptor, layers } = parseManifest(document, what);
  const bytes = await store.read(configDescriptor.digest, MAX_CONFIG_BYTES);
  const { config, diffIds } = parseConfig(bytes, `configuration ${configDescriptor.digest}`);
  if (diffIds.length !== layers.length) {
    const message = `${what}: it has ${layers.length} layers, but its configuration names ${diffIds.length}`;
    throw new StatusError(StatusCode.invalidArgument, message);
  }
  return { manifest, configDescriptor, config, layers, diffIds };
}

async function findManifest(
  store: ContentStore,
  target: Descriptor,
  platform: Platform,
): Promise<Descriptor> {
  let found = target;
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    if (kindOf(found.mediaType, found.digest) === "manifest") return found;
    const what = `index ${found.digest}`;
    const manifests = parseIndex(await store.read(found.digest, MAX_MANIFEST_BYTES), what);
    found = selectManifest(manifests, platform, what);
  }
  throw new StatusError(
    StatusCode.invalidArgument,
    `${target.digest}: its indexes lie too deep in each other`,
  );
}

/**
 * The manifest of an index that is for a platform: the first that says so, or the only one if that says nothing.
 * What is no image to run (an attestation, say) has the platform `unknown`.
 */
export function selectManifest(
  manifests: readonly Descriptor[],
  platform: Platform,
  what: string,
): Descriptor {
  const exact = manifests.find((one) => one.platform !== undefined && isSamePlatform(one.platform, platform));
  const [only] = manifests;
  const found = exact ?? (manifests.length === 1 && only?.platform === undefined ? only : undefined);
  if (found !== undefined) return found;
  const there = manifests.map((one) =>
    one.platform === undefined ? "one of unknown platform" : platformName(one.platform),
  );
  const images = there.filter((name) => !name.startsWith("unknown/"));
  const offered = images.length === 0 ? "none at all" : listed([...new Set(images)]);
  throw new StatusError(
    StatusCode.notFound,
    `${what} has no image for ${platformName(platform)}: there is ${offered}`,
  );
}

/** A line has room for all platforms that images are made for, and not for those that somebody made up. */
const MAX_LISTED = 30;

function listed(names: readonly string[]): string {
  const more = names.length > MAX_LISTED ? ` and ${names.length - MAX_LISTED} more` : "";
  return `${names.slice(0, MAX_LISTED).join(", ")}${more}`;
}

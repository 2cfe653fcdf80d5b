/** Archives of images, as programs write them and as nobody should. */
import { CONFIG_TYPES } from "../../../src/images/media-types.ts";
import { image, index, json, refer, type Sample } from "../samples.ts";
import { archive, file, type RawEntry } from "../unpack/archive.ts";

/** The place of a blob in an OCI image layout. */
export const blobName = ({ digest }: { readonly digest: string }) => `blobs/sha256/${digest.slice(7)}`;

/** The entry of a blob. */
export const blobEntry = (blob: Sample): RawEntry => file(blobName(blob), blob.bytes);

const LAYOUT = file("oci-layout", '{"imageLayoutVersion":"1.0.0"}');

/** The entries of an OCI image layout whose index has these manifests. */
export function layout(targets: Parameters<typeof index>[0], blobs: readonly Sample[]): RawEntry[] {
  return [LAYOUT, ...blobs.map(blobEntry), file("index.json", index(targets).bytes)];
}

/** A layout of one image, by its whole name. */
export function namedLayout(name = "docker.io/library/one:1", made = image(["lower", "upper"])) {
  const annotations = { "io.containerd.image.name": name, "org.opencontainers.image.ref.name": "1" };
  return { ...made, entries: layout([refer(made.manifest, { annotations })], made.blobs) };
}

/** What `docker save` wrote until its version 25: a folder for each layer, links between them. */
export function dockerArchive(layers: readonly (string | Buffer)[], diffIds: readonly string[]) {
  const config = json(
    { config: { Cmd: ["sh"] }, rootfs: { type: "layers", diff_ids: diffIds } },
    CONFIG_TYPES[1],
  );
  const Config = `${config.digest.slice(7)}.json`;
  const Layers = layers.map((_, place) => `layer${place}/layer.tar`);
  const document = [{ Config, RepoTags: ["busybox:1", "example.com/b:2"], Layers }];
  const entries = [
    ...layers.map((bytes, place) => file(`layer${place}/layer.tar`, bytes)),
    file(Config, config.bytes),
    file("manifest.json", JSON.stringify(document)),
  ];
  return { entries, config, Config, document };
}

/** The bytes of entries as an archive. */
export const tar = (entries: readonly RawEntry[]): Buffer => archive(...entries);

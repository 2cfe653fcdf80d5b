/** A program that unpacks an image of the archives that it is given, and prints how many milliseconds it took. */
import { createHash } from "node:crypto";
import { closeSync, createReadStream, fsyncSync, openSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { unpack } from "../src/images/unpack/unpack.ts";

const [way = "", layersDirectory = "", ...archives] = process.argv.slice(2);
const digests = archives.map((file): `sha256:${string}` => {
  const hash = createHash("sha256").update(readFileSync(file));
  return `sha256:${hash.digest("hex")}`;
});
const files = new Map(digests.map((digest, at) => [String(digest), archives[at] ?? ""]));
const layers = digests.map((digest) => ({
  mediaType: "application/vnd.oci.image.layer.v1.tar",
  digest,
  size: 0,
}));
const store = {
  open: async (digest: string) => createReadStream(files.get(digest) ?? ""),
  remove: async () => false,
};
const options = {
  layersDirectory,
  maxBytes: 2 ** 30,
  maxFiles: 10_000,
  maxMemoryBytes: 2 ** 26,
  layersAtOnce: 2,
  syncAfterUnpack: way === "sync",
};

const started = performance.now();
const { lowerDirs } = await unpack(store, { layers, diffIds: digests }, options);
if (way === "each-file") for (const dir of lowerDirs) syncEach(dir);
console.log(performance.now() - started);

function syncEach(dir: string): void {
  for (const name of readdirSync(dir)) {
    const fd = openSync(path.join(dir, name), "r");
    fsyncSync(fd);
    closeSync(fd);
  }
}

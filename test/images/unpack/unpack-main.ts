/** A process that unpacks an image of one layer, for tests that kill it, or run several at once. */

import { unpack } from "../../../src/images/unpack/unpack.ts";
import { archive, file } from "./archive.ts";
import { imageOf, optionsFor } from "./image.ts";

const [layersDirectory = "", kilobytes = "1"] = process.argv.slice(2);
const image = imageOf(
  archive(file("first", "x"), file("data", Buffer.alloc(Number(kilobytes) << 10, "data"))),
);
try {
  const { lowerDirs } = await unpack(image.store, image, optionsFor(layersDirectory));
  console.log(JSON.stringify({ lowerDirs, opened: image.opened.length }));
} catch (err) {
  console.log(JSON.stringify({ error: err instanceof Error ? err.message : String(err) }));
}

import { createHash } from "node:crypto";
import { abortable } from "../../base/deadline.ts";
import type { Budget } from "./budget.ts";
import { decompressed } from "./decompress.ts";
import { broken, inEntry } from "./errors.ts";
import { GnuTar } from "./gnu-tar.ts";
import { LayerTree } from "./layer-tree.ts";
import { type ReadEntry, readTar } from "./tar-reader.ts";
import { END_OF_ARCHIVE, encodeEntry, padding } from "./tar-writer.ts";

/** What is to be unpacked, and how far. */
export interface ExtractOptions {
  /** The SHA-256 that its archive must have, unpacked, as `sha256:HEX`. */
  readonly diffId: string;
  /** Whether it has no layer below, so that what it hides is not there. */
  readonly isLowest: boolean;
  readonly budget: Budget;
  readonly signal: AbortSignal;
  /** Told how many bytes of the archive have been read, from time to time. */
  readonly onBytes?: (total: number) => void;
}

/** What a layer is that its directory does not show. */
export interface Extracted {
  /** It hides all layers below it. */
  readonly isOpaque: boolean;
}

/**
 * Unpacks a layer into an empty directory that is its own, in overlay's form. Each entry is checked before anything
 * is made of it; what is passed on is an archive written anew, with clean names. A failure leaves the directory as
 * it happens to be, with nobody at work in it. When the signal aborts it rejects at once; `stopped` then tells when
 * nobody is.
 */
export function extractLayer(
  blob: AsyncIterable<Uint8Array>,
  directory: string,
  options: ExtractOptions,
): { readonly done: Promise<Extracted>; readonly stopped: Promise<void> } {
  const tar = new GnuTar(directory);
  const done = abortable(unpackInto(tar, blob, options), options.signal).catch((thrown: unknown) => {
    tar.kill();
    throw thrown;
  });
  return { done, stopped: tar.closed };
}

async function unpackInto(
  tar: GnuTar,
  blob: AsyncIterable<Uint8Array>,
  options: ExtractOptions,
): Promise<Extracted> {
  const tree = new LayerTree();
  for await (const read of readTar(verified(decompressed(blob), options)))
    await unpackOne(tar, tree, read, options);
  for (const entry of tree.finish(options)) await tar.write(encodeEntry(entry));
  await tar.write(END_OF_ARCHIVE);
  await tar.end();
  return { isOpaque: tree.isOpaque };
}

async function unpackOne(
  tar: GnuTar,
  tree: LayerTree,
  { entry: raw, data }: ReadEntry,
  { budget, signal }: ExtractOptions,
): Promise<void> {
  signal.throwIfAborted();
  const { parents, entry } = inEntry(raw.name, () => {
    budget.expectBytes(raw.size);
    const checked = tree.add(raw);
    budget.takeFiles(checked.parents.length + 1);
    // What an entry hides is remembered by its own name.
    budget.takeMemory([...checked.parents, checked.entry ?? raw]);
    return checked;
  });
  for (const parent of parents) await tar.write(encodeEntry(parent));
  if (entry === undefined) return;
  await tar.write(encodeEntry(entry));
  for await (const piece of data) await tar.write(piece);
  await tar.write(padding(entry.size));
}

/** Passes bytes on, and fails after the last one where they are not those that the image names. */
async function* verified(
  bytes: AsyncIterable<Uint8Array>,
  { diffId, budget, onBytes }: ExtractOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash("sha256");
  let total = 0;
  for await (const piece of bytes) {
    budget.takeBytes(piece.length);
    hash.update(piece);
    total += piece.length;
    yield piece;
    onBytes?.(total);
  }
  const found = `sha256:${hash.digest("hex")}`;
  if (found !== diffId) throw broken(`its archive is ${found}, and the image says ${diffId}`);
}

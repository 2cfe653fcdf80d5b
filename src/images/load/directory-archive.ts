import fs from "node:fs";
import path from "node:path";
import { StatusCode } from "../../base/status.ts";
import { ifThere, onFile, readPieces } from "../files.ts";
import { type Archive, aboutEntry, cleanName } from "./archive.ts";

const { O_RDONLY, O_NONBLOCK } = fs.constants;

/** The files of a directory; nothing outside it is read, whatever links there are in it. */
export async function openDirectory(place: string): Promise<Archive> {
  const root = await onFile("open", place, () => fs.promises.realpath(place));
  const find = (name: string) => findFile(place, root, name);
  const sizeOf = async (name: string) => (await find(name))?.size;
  return {
    place,
    sizeOf,
    read: (name, offset) => readFrom(place, name, offset, find),
    close: async () => {},
  };
}

interface Found {
  readonly file: string;
  readonly size: number;
}

async function findFile(place: string, root: string, name: string): Promise<Found | undefined> {
  const clean = cleanName(name);
  const refused = (problem: string) => aboutEntry(StatusCode.invalidArgument, place, name, problem);
  if (clean === undefined) throw refused("leads out of it");
  const written = path.join(root, clean);
  const file = await ifThere("read", written, () => fs.promises.realpath(written));
  if (file === undefined) return undefined;
  if (!file.startsWith(`${root}/`)) throw refused("is a link that leads out of it");
  const stat = await onFile("read", file, () => fs.promises.stat(file));
  if (!stat.isFile()) throw refused("is no file");
  return { file, size: stat.size };
}

async function* readFrom(
  place: string,
  name: string,
  offset: number,
  find: (name: string) => Promise<Found | undefined>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const found = await find(name);
  if (found === undefined) throw aboutEntry(StatusCode.notFound, place, name, "is not there");
  const { file } = found;
  // What was a file a moment ago may be a fifo by now, which nobody may wait for.
  const handle = await onFile("open", file, () => fs.promises.open(file, O_RDONLY | O_NONBLOCK));
  try {
    yield* readPieces(handle, offset);
  } finally {
    await handle.close();
  }
}

import { StatusCode, StatusError } from "../../base/status.ts";

/** The files that an image is loaded from: a directory's or an archive's. */
export interface Archive {
  /** As people know it, for errors. */
  readonly place: string;
  /** How large a file is; undefined where there is none. A name that leads out of the archive is refused. */
  sizeOf(name: string): Promise<number | undefined>;
  /** The bytes of a file from an offset on; `notFound` where there is none. */
  read(name: string, offset: number): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** An error about one file of an archive, named as it is written there. */
export function aboutEntry(code: StatusCode, place: string, name: string, problem: string): StatusError {
  return new StatusError(code, `${place}: entry ${shown(name)} ${problem}`);
}

/** Longer names are cut in messages. */
const MAX_SHOWN = 200;

function shown(name: string): string {
  return JSON.stringify(name.length > MAX_SHOWN ? `${name.slice(0, MAX_SHOWN)}…` : name);
}

/** A name in an archive without `.` and empty parts; undefined where it leads out of the archive. */
export function cleanName(name: string): string | undefined {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  return name.startsWith("/") || parts.includes("..") ? undefined : parts.join("/");
}

/** A small file as a whole; undefined where there is none, `resourceExhausted` where it is larger than `maxBytes`. */
export async function readWhole(
  archive: Archive,
  name: string,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const size = await archive.sizeOf(name);
  if (size === undefined) return undefined;
  if (size > maxBytes) {
    const problem = `is larger than ${maxBytes} bytes`;
    throw aboutEntry(StatusCode.resourceExhausted, archive.place, name, problem);
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of archive.read(name, 0)) pieces.push(piece);
  return Buffer.concat(pieces);
}

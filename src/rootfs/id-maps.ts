import { StatusCode, StatusError } from "../base/status.ts";

/** Which ids of a file system's files become which, as `uid_map` and `gid_map` of a user namespace want them. */
export interface IdMaps {
  readonly uids: string;
  readonly gids: string;
}

/** The largest id and the most ids: all ones means "no id". */
const MAX_ID = 0xffff_fffe;

/**
 * The maps that the options `uidmap=` and `gidmap=` ask for, each written as `container:host:count`, several of them
 * with commas between; undefined where there is neither. One without the other would map half, and is refused.
 */
export function idMapsOf(options: {
  readonly uidmap?: string;
  readonly gidmap?: string;
}): IdMaps | undefined {
  const { uidmap, gidmap } = options;
  if (uidmap === undefined && gidmap === undefined) return undefined;
  if (uidmap === undefined || gidmap === undefined) {
    const [given, missing] = uidmap === undefined ? ["gidmap", "uidmap"] : ["uidmap", "gidmap"];
    const message = `mount option ${given}= without ${missing}=: both are mapped, or neither`;
    throw new StatusError(StatusCode.invalidArgument, message);
  }
  return { uids: mapOf("uidmap", uidmap), gids: mapOf("gidmap", gidmap) };
}

function mapOf(name: string, text: string): string {
  return text
    .split(",")
    .map((range) => lineOf(`mount option ${name}=${text}`, range))
    .join("");
}

function lineOf(where: string, range: string): string {
  const match = /^(\d{1,10}):(\d{1,10}):(\d{1,10})$/.exec(range);
  const numbers = (match ?? []).slice(1).map(Number);
  const [container = -1, host = -1, count = 0] = numbers;
  const fits = count > 0 && container + count - 1 <= MAX_ID && host + count - 1 <= MAX_ID;
  if (fits && container >= 0 && host >= 0) return `${container} ${host} ${count}\n`;
  const what = "must be container:host:count, with a comma between several, as in 0:100000:65536";
  throw new StatusError(StatusCode.invalidArgument, `${where} ${what}`);
}

import { decodeJson } from "../../base/decode-json.ts";
import { isObject } from "../../base/json-finding.ts";
import { StatusCode, StatusError } from "../../base/status.ts";

/**
 * What `start` and a server that stands by say to each other, a line each: the order; whether the server takes it, with
 * its pid, or knows who serves the group; and at last, when nothing but its answer is left to `start`, that it is to
 * serve. Who of the two hangs up before that takes all of it back.
 */
export const Word = { ready: "ready", living: "living", serve: "serve" } as const;

/** How a server says that it takes the order. */
export function readyWith(pid: number): string {
  return `${Word.ready} ${pid}`;
}

/** The pid of a server that says so; undefined where it says something else. */
export function pidOfReady(line: string | undefined): number | undefined {
  const [, pid] = new RegExp(`^${Word.ready} ([1-9]\\d*)$`).exec(line ?? "") ?? [];
  return pid === undefined ? undefined : Number(pid);
}

/** What a server that stands by is told: whom it is to serve. */
export interface Order {
  /** The command line that a server would have been launched with. */
  readonly args: readonly string[];
  /** The bundle, which becomes the working directory. */
  readonly bundle: string;
}

/** An order as a line. */
export function encodeOrder({ args, bundle }: Order): string {
  return JSON.stringify({ args, bundle });
}

/** Reads what {@link encodeOrder} makes; `invalidArgument` where it is nothing such. */
export function decodeOrder(line: string): Order {
  const order = decodeJson(line, "the order", StatusCode.invalidArgument);
  const { args, bundle } = isObject(order) ? order : {};
  if (Array.isArray(args) && args.every((word) => typeof word === "string") && typeof bundle === "string") {
    return { args, bundle };
  }
  throw new StatusError(StatusCode.invalidArgument, "the order has no /args and /bundle");
}

import { decodeJson } from "../../base/decode-json.ts";
import { isObject } from "../../base/json-finding.ts";
import { StatusCode, StatusError } from "../../base/status.ts";

/** What a server that stands by is told: whom it is to serve. */
export interface Order {
  /** The command line that a server would have been launched with. */
  readonly args: readonly string[];
  /** The bundle, which becomes the working directory. */
  readonly bundle: string;
}

/** As much as a pipe takes whole or not at all (pipe(7), PIPE_BUF). An order has some hundred bytes. */
export const MAX_ORDER_BYTES = 4096;

/** An order as bytes; undefined where it is too long for one. */
export function encodeOrder(order: Order): Uint8Array | undefined {
  const bytes = Buffer.from(`${JSON.stringify(order)}\n`);
  return bytes.length <= MAX_ORDER_BYTES ? bytes : undefined;
}

/** Reads what {@link encodeOrder} makes; `invalidArgument` where it is nothing such. */
export function decodeOrder(bytes: Uint8Array): Order {
  // What comes behind its line is none of it.
  const [line = ""] = Buffer.from(bytes).toString("utf8").split("\n");
  const order = decodeJson(line, "the order", StatusCode.invalidArgument);
  const { args, bundle } = isObject(order) ? order : {};
  if (Array.isArray(args) && args.every((word) => typeof word === "string") && typeof bundle === "string") {
    return { args, bundle };
  }
  throw new StatusError(StatusCode.invalidArgument, "the order has no /args and /bundle");
}

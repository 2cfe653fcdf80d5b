import path from "node:path";
import { readTextFile } from "../base/files.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { connect } from "../ttrpc/index.ts";
import { Shim } from "./shim.ts";
import { ShimLog } from "./shim-log.ts";
import { parseStartAnswer, type StartAnswer } from "./start-answer.ts";

/** How long the connection to a shim that is there may take unless said otherwise, in milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000;

/** An answer is an address, not a book. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** How to connect to a shim again. */
export interface ReconnectOptions {
  /** The bundle of the container that the shim was launched for. */
  readonly bundle: string;
  /** How long until the connection stands, in milliseconds; 5 s if not given. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Gets each line that the shim logs from now on. */
  readonly onLog?: (line: string) => void;
}

/**
 * Connects to a shim that an earlier process launched, by what the bundle says: the daemon's note, or the address
 * that the shim itself left there where the daemon was killed before it took its note. Throws `notFound` naming the
 * bundle where neither is there, and `unavailable` where nobody listens: then the shim is dead, and its container is
 * for `deleteShim`. When it rejects, nothing stays open.
 */
export async function reconnectShim(options: ReconnectOptions): Promise<Shim> {
  const { bundle, signal, timeoutMs = CONNECT_TIMEOUT_MS } = options;
  const answer = notedAnswer(bundle);
  const connection = await connect(answer.address, {
    timeoutMs,
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    return new Shim(answer, connection, await ShimLog.open(bundle, options.onLog ?? (() => {})));
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** What a bundle says that its shim has answered to `start`; `notFound` naming the bundle where it says nothing. */
export function notedAnswer(bundle: string): StartAnswer {
  return parseStartAnswer(Buffer.from(readAnswer(bundle)));
}

function readAnswer(bundle: string): string {
  for (const name of ["bootstrap.json", "address"]) {
    const text = readTextFile(path.join(bundle, name), MAX_ANSWER_BYTES);
    if (text !== undefined && text !== "") return text;
  }
  throw new StatusError(StatusCode.notFound, `bundle ${bundle} does not say where its shim listens`);
}

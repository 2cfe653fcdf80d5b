import fs from "node:fs";
import { within } from "../../base/deadline.ts";
import { errnoOf } from "../../base/files.ts";
import { hasCode, StatusCode } from "../../base/status.ts";
import { withRoom } from "../../linux/command-line.ts";
import type { AnyMessage } from "../../oci/options.ts";
import { bun } from "../bun.ts";
import { callingDaemon, type Daemon, daemonWord } from "./daemon.ts";
import { type Lines, linesTo, MAX_LINE_BYTES } from "./lines.ts";
import { encodeOrder, Word } from "./order.ts";
import { isOf, kindOf, placesIn, socketOf } from "./place.ts";

/** What a server is to be, whether it stands by or has to be launched. */
export interface Wanted {
  /** Where servers stand by. */
  readonly folder: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly bundle: string;
  /** The options of the runtime. */
  readonly options: AnyMessage | undefined;
  /** How long one may take to answer. */
  readonly limitMs: number;
}

/** What there is. */
export interface Asked {
  /** Who serves the group: one that stood by, and listens at the group's socket; or one that did so before. */
  readonly server: Taken | "living" | undefined;
  /** The command line of one that may stand by later: with the daemon's name and with room for another container's. */
  readonly args: readonly string[];
}

/** A server that stood by. It ends, and its socket goes, where this process ends before it has told it to serve. */
export interface Taken {
  /** Has it serve; `unavailable` where it has gone since. */
  serve(): void;
  /** Takes it back. */
  end(): void;
}

/** By so much the command line for one container may be longer than another's: namespace and id have up to 76 bytes. */
const ROOM_BYTES = 160;

/**
 * Asks for a server that stands by, one after the other until one has taken the order. Options that are none are
 * `invalidArgument`.
 */
export async function askStandby({ folder, options, args, ...wanted }: Wanted): Promise<Asked> {
  const daemon = callingDaemon();
  if (daemon === undefined || (await namesCgroup(options))) return { server: undefined, args };
  const whole = [...args, "-daemon", daemonWord(daemon)];
  const server = await askAll(
    { folder, daemon, ...wanted },
    encodeOrder({ args: whole, bundle: wanted.bundle }),
  );
  return { server, args: whole.with(-1, withRoom(daemonWord(daemon), ROOM_BYTES)) };
}

type Asking = Pick<Wanted, "folder" | "env" | "limitMs"> & { readonly daemon: Daemon };

async function askAll({ folder, daemon, env, limitMs }: Asking, order: string): Promise<Asked["server"]> {
  if (Buffer.byteLength(order) >= MAX_LINE_BYTES) return undefined;
  const places = placesIn(folder).filter((place) => isOf(daemon, place));
  if (places.length === 0) return undefined;
  const kind = kindOf(env);
  for (const place of places) {
    const server = place.kind === kind ? await ask(socketOf(folder, place), order, limitMs) : undefined;
    if (server !== undefined) return server;
  }
  return undefined;
}

/** Undefined where it hangs up: somebody else has asked before, or it cannot do what was ordered. */
async function ask(place: string, order: string, limitMs: number): Promise<Asked["server"]> {
  let lines: Lines | undefined;
  try {
    lines = await connect(place, limitMs);
    lines.say(order);
    const answer = await within(lines.hear(), limitMs, "the answer of a server that stands by");
    if (answer === Word.ready) return takenBy(lines);
    lines.end();
    return answer === Word.living ? answer : undefined;
  } catch (err) {
    lines?.end();
    // Where nobody listens, or nobody answers in time, nobody asks again.
    if (errnoOf(err) === "ECONNREFUSED" || hasCode(err, StatusCode.deadlineExceeded)) {
      fs.rmSync(place, { force: true });
    }
    return undefined;
  }
}

async function connect(unix: string, limitMs: number): Promise<Lines> {
  const connected = bun.connect({ unix, socket: linesTo() });
  try {
    return (await within(connected, limitMs, `connecting to ${unix}`)).data;
  } catch (err) {
    // One that comes to be after its time is nobody's.
    connected.then(({ data }) => data.end()).catch(() => {});
    throw err;
  }
}

function takenBy(lines: Lines): Taken {
  return {
    serve: () => {
      lines.say(Word.serve);
      lines.end();
    },
    end: () => lines.end(),
  };
}

/** Whether options name a control group for the server: one that stood by is in the daemon's, and would stay there. */
async function namesCgroup(options: AnyMessage | undefined): Promise<boolean> {
  if (!options?.value?.length) return false;
  const { decodeRuncOptions } = await import("../../oci/decode-options.ts");
  return (await decodeRuncOptions(options)).shimCgroup !== "";
}

import fs from "node:fs";
import { within } from "../../base/deadline.ts";
import { hasCode, StatusCode } from "../../base/status.ts";
import { bun } from "../bun.ts";
import type { Flags } from "../flags.ts";
import { type Lines, linesTo, MAX_LINE_BYTES } from "./lines.ts";
import { lives, type NamedProcess, parseWord } from "./named-process.ts";
import { encodeOrder, pidOfReady, Word } from "./order.ts";
import { isOf, kindOf, placesIn, socketOf } from "./place.ts";

/** Whom a server is to serve, whether it stands by or this process has to be it. */
export interface Wanted {
  /** Where servers stand by. */
  readonly folder: string;
  /** What a server's flags would be. */
  readonly flags: Flags;
  readonly bundle: string;
  /** How long all of them together may take to answer. */
  readonly limitMs: number;
}

/** What there is. */
export interface Asked {
  /** Who serves the group: one that stood by, and listens at the group's socket; or one that did so before. */
  readonly server: Taken | "living" | undefined;
  /** One has the order and has not answered in time: for a moment it may listen at the group's socket yet. */
  readonly isInDoubt: boolean;
}

/** A server that stood by. It ends, and its socket goes, where this process ends before it has told it to serve. */
export interface Taken {
  /** Has it serve; `unavailable` where it has gone since. */
  serve(): void;
  /** Kills it, whatever it was told; false where it has gone by itself. */
  end(): boolean;
}

/** Asks for a server that stands by, one after the other until one has taken the order. */
export async function askStandby({ folder, flags, bundle, limitMs }: Wanted): Promise<Asked> {
  const daemon = parseWord(flags.daemon);
  if (daemon === undefined) return { server: undefined, isInDoubt: false };
  return await askAll({ folder, daemon, order: encodeOrder({ args: wordsOf(flags), bundle }), limitMs });
}

interface Asking extends Pick<Wanted, "folder" | "limitMs"> {
  readonly daemon: NamedProcess;
  readonly order: string;
}

async function askAll({ folder, daemon, order, limitMs }: Asking): Promise<Asked> {
  let isInDoubt = false;
  const places = placesIn(folder).filter((place) => isOf(daemon, place));
  if (places.length === 0 || Buffer.byteLength(order) >= MAX_LINE_BYTES)
    return { server: undefined, isInDoubt };
  const kind = kindOf(process.env);
  const giveUp = performance.now() + limitMs;
  for (const place of places.filter((each) => each.kind === kind)) {
    if (performance.now() >= giveUp) break;
    const socket = socketOf(folder, place);
    try {
      const server = await ask(socket, order, giveUp);
      if (server !== undefined) return { server, isInDoubt };
    } catch (err) {
      const isLate = hasCode(err, StatusCode.deadlineExceeded);
      isInDoubt ||= isLate;
      // Where nobody lives, or nobody answers in time, nobody asks again.
      if (isLate || !lives(place.server)) fs.rmSync(socket, { force: true });
    }
  }
  return { server: undefined, isInDoubt };
}

/** Undefined where it hangs up: somebody else has asked before, or it cannot do what was ordered. */
async function ask(socket: string, order: string, giveUp: number): Promise<Asked["server"]> {
  const left = () => Math.max(0, giveUp - performance.now());
  const lines = await connect(socket, left());
  try {
    lines.say(order);
    const answer = await within(lines.hear(), left(), "the answer of a server that stands by");
    const pid = pidOfReady(answer);
    if (pid !== undefined) return takenBy(lines, pid);
    lines.end();
    return answer === Word.living ? answer : undefined;
  } catch (err) {
    lines.end();
    throw err;
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

/** The connection stays until this process ends: as long as it does the pid is the server's. */
function takenBy(lines: Lines, pid: number): Taken {
  return {
    serve: () => lines.say(Word.serve),
    end: () => {
      const isThere = !lines.isOver && was(() => process.kill(pid, "SIGKILL"));
      lines.end();
      return isThere;
    },
  };
}

/** What a server that has stood by shows as its command line, and reads as its flags. */
function wordsOf({ namespace, id, address, socket, logLevel, daemon }: Flags): string[] {
  const names = ["-namespace", namespace, "-id", id, "-address", address, "-socket", socket];
  return [...names, "-log-level", logLevel, "-daemon", daemon];
}

/** Whether a call could be made. */
function was(call: () => void): boolean {
  try {
    call();
    return true;
  } catch {
    return false;
  }
}

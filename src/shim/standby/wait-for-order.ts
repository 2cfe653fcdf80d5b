import fs from "node:fs";
import path from "node:path";
import { sleep } from "../../base/deadline.ts";
import { read } from "../../base/file-calls.ts";
import { loadLibc } from "../../linux/koffi-libc.ts";
import { type Daemon, lives } from "./daemon.ts";
import { type Place, removePlace } from "./kind.ts";
import { decodeOrder, MAX_ORDER_BYTES, type Order } from "./order.ts";
import { was } from "./was.ts";

/** How often to look whether the daemon goes on, and whether the place is still this process's, in milliseconds. */
const LOOK_MS = 5_000;

/** So many looks without a place and without an order are the end: who took it was killed before it could say more. */
const LOOKS_WITHOUT_PLACE = 2;

/** What ends the waiting. */
interface Limits {
  readonly daemon: Daemon;
  readonly signalled: Promise<string>;
  readonly limitMs: number;
}

/**
 * The order that comes to a place whose socket listens. Undefined, and the place is empty again, where none comes within
 * the limit, the daemon goes, or a signal comes.
 */
export async function waitForOrder(place: Place, limits: Limits): Promise<Order | undefined> {
  const { socket, orders } = place;
  fs.rmSync(orders, { force: true });
  loadLibc().makeFifo(orders);
  const fd = fs.openSync(orders, fs.constants.O_RDWR);
  let isRead = false;
  const ordered = readOrder(fd).finally(() => {
    isRead = true;
    fs.closeSync(fd);
  });
  const giveUp = performance.now() + limits.limitMs;
  for (let looks = 0; looks < LOOKS_WITHOUT_PLACE; ) {
    const left = looks > 0 ? LOOK_MS : Math.max(0, giveUp - performance.now());
    const came = await Promise.race([ordered, limits.signalled, sleep(Math.min(left, LOOK_MS))]);
    if (typeof came === "object") return came;
    const isWanted = came === undefined && performance.now() < giveUp && lives(limits.daemon);
    // Whose socket has lost its name was taken, and gets its order.
    if (!fs.existsSync(socket)) looks += 1;
    else if (!isWanted && was(() => fs.unlinkSync(socket), "ENOENT")) break;
  }
  leave(place);
  // A thread still reads.
  if (!isRead) fs.writeSync(fd, "none");
  // One that has come until now counts: who has sent it has told the daemon so.
  const last = await ordered;
  return typeof last === "object" ? last : undefined;
}

/** What is no order is a word, as a signal is, and as little a reason to go on. */
async function readOrder(fd: number): Promise<Order | string> {
  const buffer = Buffer.alloc(MAX_ORDER_BYTES);
  try {
    return decodeOrder(buffer.subarray(0, await read(fd, buffer, 0, buffer.length)));
  } catch (err) {
    return String(err);
  }
}

/** Empties the place, of what a killed `start` has left in it as well. The folder goes with the last one. */
function leave(place: Place): void {
  const folder = path.dirname(place.socket);
  const name = `${path.basename(place.socket)}.`;
  removePlace(place);
  try {
    for (const left of fs.readdirSync(folder)) if (left.startsWith(name)) fs.rmSync(path.join(folder, left));
    fs.rmdirSync(folder);
  } catch {
    // Others stand by in it, or have removed it.
  }
}

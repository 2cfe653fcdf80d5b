import fs from "node:fs";
import path from "node:path";
import { sleep } from "../../base/deadline.ts";
import { read } from "../../base/file-calls.ts";
import { errnoOf } from "../../base/files.ts";
import { loadLibc } from "../../linux/koffi-libc.ts";
import { type Daemon, lives } from "./daemon.ts";
import { type Place, removePlace } from "./kind.ts";
import { decodeOrder, MAX_ORDER_BYTES, type Order } from "./order.ts";

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
  // A thread of the runtime's waits in it, and goes with the process.
  const ordered = readOrder(fd);
  const giveUp = performance.now() + limits.limitMs;
  for (let looks = 0; looks < LOOKS_WITHOUT_PLACE; ) {
    const left = giveUp - performance.now();
    const pause = sleep(left > 0 ? Math.min(left, LOOK_MS) : LOOK_MS);
    const came = await Promise.race([ordered, limits.signalled, pause]);
    if (typeof came === "object") {
      fs.closeSync(fd);
      return came;
    }
    const isWanted = came === undefined && performance.now() < giveUp && lives(limits.daemon);
    // Whose socket has lost its name was taken, and gets its order.
    if (!fs.existsSync(socket)) looks += 1;
    else if (!isWanted && isUnlinked(socket)) break;
  }
  removePlace(place);
  removeIfEmpty(path.dirname(socket));
  return undefined;
}

async function readOrder(fd: number): Promise<Order> {
  const buffer = Buffer.alloc(MAX_ORDER_BYTES);
  return decodeOrder(buffer.subarray(0, await read(fd, buffer, 0, buffer.length)));
}

/** Whether it was this call that took a file its name. */
function isUnlinked(file: string): boolean {
  try {
    fs.unlinkSync(file);
    return true;
  } catch (err) {
    if (errnoOf(err) === "ENOENT") return false;
    throw err;
  }
}

/** The folder goes with the last that stood by in it. */
function removeIfEmpty(folder: string): void {
  try {
    fs.rmdirSync(folder);
  } catch {
    // Others do.
  }
}

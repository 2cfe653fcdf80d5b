import fs from "node:fs";
import { errnoOf } from "../../base/files.ts";
import { type Place, pidsIn, placeOf, removePlace } from "./kind.ts";
import { was } from "./was.ts";

/** A server that stood by, and whose socket has a group's name now. Until it gets its order it answers nobody. */
export interface Taken {
  /** Gives it its order. */
  begin(): void;
  /** Takes it back: its name goes, and without an order it ends by itself. */
  end(): void;
}

const { O_WRONLY, O_NONBLOCK } = fs.constants;

/**
 * Takes a server that stands by in a folder, and names its socket as a group's. Undefined where there is none, where
 * others are first, and where the group has a socket by now. Nothing in this waits for anybody.
 */
export function takeStandby(folder: string, groupSocket: string, order: Uint8Array): Taken | undefined {
  for (const pid of pidsIn(folder)) {
    const taken = take(placeOf(folder, pid), groupSocket);
    if (taken === undefined) continue;
    const close = () => fs.closeSync(taken);
    return {
      begin: () => {
        fs.writeSync(taken, order);
        close();
      },
      end: () => {
        fs.rmSync(groupSocket, { force: true });
        close();
      },
    };
  }
  return undefined;
}

/** The writing end of the fifo of the server that was taken. */
function take(place: Place, groupSocket: string): number | undefined {
  const fd = openOrders(place);
  if (fd === undefined) return undefined;
  if (rename(place, groupSocket)) return fd;
  fs.closeSync(fd);
  return undefined;
}

/** Undefined where nobody reads any more, and the place is removed, or where another has taken it. */
function openOrders(place: Place): number | undefined {
  try {
    return fs.openSync(place.orders, O_WRONLY | O_NONBLOCK);
  } catch (err) {
    if (errnoOf(err) === "ENXIO") removePlace(place);
    else if (errnoOf(err) !== "ENOENT") throw err;
    return undefined;
  }
}

/**
 * Whether this process has given the socket the new name: of several at once one finds it to rename, and a link, other
 * than a rename, replaces nobody's. A server that has lost its place for nothing ends by itself.
 */
function rename({ socket, orders }: Place, groupSocket: string): boolean {
  const own = `${socket}.${process.pid}`;
  if (!was(() => fs.renameSync(socket, own), "ENOENT")) return false;
  const isNamed = was(() => fs.linkSync(own, groupSocket), "EEXIST");
  removePlace({ socket: own, orders });
  return isNamed;
}

import fs from "node:fs";
import { sleep } from "../../base/deadline.ts";
import { setCommandLine } from "../../linux/command-line.ts";
import { countDescriptors } from "../../linux/fdinfo.ts";
import { ownChildren } from "../../linux/process-stat.ts";
import { claimGroupSocket } from "../commands/group-socket.ts";
import type { Served, Serving } from "../commands/task-server.ts";
import { selfCommand } from "../self.ts";
import { Desk } from "./desk.ts";
import { standbyFolder } from "./folder.ts";
import { lives, type NamedProcess, namedProcess, parseWord, wordOf } from "./named-process.ts";
import { isOf, kindOf, type Place, placesIn, socketOf } from "./place.ts";
import { type Next, take } from "./take.ts";

/** How long this process waits until nothing of the last container is left in it, and how soon it looks again. */
const SETTLING = { limitMs: 10_000, firstMs: 2, lastMs: 250 };

/** How often to look whether the daemon goes on, and whether the place is still this process's, in milliseconds. */
const LOOK_MS = 5_000;

/**
 * Serves the daemon's next containers, one after the other, by a server of its own each. Resolves when none comes in
 * time, when enough stand by already, when this process has served its share, and where something of the last container
 * is left in it: a child, or more descriptors than it had when it began.
 */
export async function serveNext(first: Serving, firstServed: Served, descriptors: number): Promise<void> {
  const daemon = parseWord(first.flags.daemon);
  if (daemon === undefined) return;
  let [serving, served] = [first, firstServed];
  for (let containers = 1; containers < serving.settings.standbyContainers; containers += 1) {
    // First of all: by its command line people and programs know the shim of a container.
    if (!served.isSound() || !standAside(daemon)) return;
    if (!(await settles(() => ownChildren().length === 0, serving.signalled))) return;
    served.close();
    if (!(await settles(() => countDescriptors() <= descriptors, serving.signalled))) return;
    const next = served.isSound() ? await standBy(daemon, serving) : undefined;
    if (next === undefined) return;
    serving = next.serving;
    served = await next.server.serve(serving);
  }
}

/** Looks like nobody's shim, and holds no bundle. */
function standAside(daemon: NamedProcess): boolean {
  process.chdir("/");
  return setCommandLine([...selfCommand(), "standby", "-daemon", wordOf(daemon)]);
}

/** Whether something comes about, as it does in a moment: children end, the runtime closes what it was told to. */
async function settles(isSo: () => boolean, signalled: Promise<string>): Promise<boolean> {
  const giveUp = performance.now() + SETTLING.limitMs;
  for (let pause = SETTLING.firstMs; !isSo(); pause = Math.min(2 * pause, SETTLING.lastMs)) {
    const signal = await Promise.race([signalled, sleep(pause)]);
    if (signal !== undefined || performance.now() > giveUp) return false;
  }
  return true;
}

/** Waits until this process is to serve again, by which server and whom; undefined where it is not. */
async function standBy(daemon: NamedProcess, last: Serving): Promise<Next | undefined> {
  const folder = standbyFolder(last.flags.socket);
  const { standbyAtOnce } = last.settings;
  if (!lives(daemon) || livingPlaces(folder, daemon).length >= standbyAtOnce) return undefined;
  const server = namedProcess(process.pid);
  if (server === undefined) return undefined;
  const desk = new Desk();
  const place = socketOf(folder, { daemon, kind: kindOf(process.env), server });
  const claim = await claimGroupSocket(place, desk.events);
  if (claim.living) return undefined;
  try {
    // Several may have come at once: as a rule those with the lowest pids stay.
    const rank = livingPlaces(folder, daemon).findIndex((each) => each.server.pid === server.pid);
    if (rank >= standbyAtOnce) return undefined;
    return await ordered(desk, { daemon, place, last });
  } finally {
    fs.rmSync(place, { force: true });
    desk.close();
    claim.leave();
  }
}

/** The places of a daemon's servers that live. Those of any that have gone are removed, whichever daemon they were for. */
function livingPlaces(folder: string, daemon: NamedProcess): Place[] {
  const places = placesIn(folder).filter((place) => {
    if (lives(place.server)) return true;
    fs.rmSync(socketOf(folder, place), { force: true });
    return false;
  });
  return places.filter((place) => isOf(daemon, place));
}

/** Who waits, and where. */
interface Waiting {
  readonly daemon: NamedProcess;
  readonly place: string;
  readonly last: Serving;
}

/** Waits for an order that can be carried out. */
async function ordered(desk: Desk, { daemon, place, last }: Waiting): Promise<Next | undefined> {
  const { signalled, settings } = last;
  const giveUp = performance.now() + settings.standbyMs;
  for (;;) {
    const look = sleep(Math.max(0, Math.min(giveUp - performance.now(), LOOK_MS)));
    const came = await Promise.race([signalled, desk.asking(), look]);
    if (typeof came === "object") {
      const next = await take(came, last);
      if (next !== "none") return next;
      if (!standAside(daemon)) return undefined;
      desk.next();
    } else if (came !== undefined || performance.now() >= giveUp || !lives(daemon) || !fs.existsSync(place)) {
      return undefined;
    }
  }
}

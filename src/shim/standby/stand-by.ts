import fs from "node:fs";
import { sleep } from "../../base/deadline.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { setCommandLine } from "../../linux/command-line.ts";
import { ownChildren } from "../../linux/process-stat.ts";
import { claimGroupSocket } from "../commands/group-socket.ts";
import { type Serving, TaskServer } from "../commands/task-server.ts";
import { parseFlags } from "../flags.ts";
import { selfCommand } from "../self.ts";
import { readSettings } from "../settings.ts";
import { streamsTo } from "../socket-stream.ts";
import { type Daemon, daemonWord, lives, parseDaemon } from "./daemon.ts";
import { standbyFolder } from "./folder.ts";
import { kindFolder, pidsIn, placeOf, removePlace } from "./kind.ts";
import { waitForOrder } from "./wait-for-order.ts";

/** How long this process waits for the children that it has left, and how soon it looks again, at first and later. */
const CHILDREN = { limitMs: 10_000, firstMs: 2, lastMs: 250 };

/**
 * Serves the daemon's next containers, one after the other, by a server of its own each. Resolves when none comes in
 * time, when enough stand by already, when this process has served its share, and where something of the last container
 * is left in it.
 */
export async function serveNext(first: Serving): Promise<void> {
  const daemon = parseDaemon(first.flags.daemon);
  if (daemon === undefined) return;
  let descriptors: number | undefined;
  let serving = first;
  for (let served = 1; served < serving.settings.standbyContainers; served += 1) {
    // First of all: by its command line people and programs know the shim of a container.
    if (!setCommandLine([...selfCommand(), "standby", "-daemon", daemonWord(daemon)])) return;
    process.chdir("/");
    if (!(await haveChildrenGone(serving.signalled))) return;
    // What is open now was open for the first container, too, or is the last one's.
    descriptors ??= countDescriptors();
    if (countDescriptors() > descriptors) return;
    const next = await standBy(daemon, serving);
    if (next === undefined || !(await next.server.serve(next.serving))) return;
    serving = next.serving;
  }
}

/** Whether what this process has started or adopted has ended: as a rule a release waits, and for a moment. */
async function haveChildrenGone(signalled: Promise<string>): Promise<boolean> {
  const giveUp = performance.now() + CHILDREN.limitMs;
  for (let pause = CHILDREN.firstMs; ownChildren().length > 0; pause = Math.min(2 * pause, CHILDREN.lastMs)) {
    const signal = await Promise.race([signalled, sleep(pause)]);
    if (signal !== undefined || performance.now() > giveUp) return false;
  }
  return true;
}

function countDescriptors(): number {
  return fs.readdirSync("/proc/self/fd").length;
}

/** Waits until this process is to serve again, by which server and whom; undefined where it is not. */
async function standBy(
  daemon: Daemon,
  { flags: last, settings, signalled }: Serving,
): Promise<{ readonly server: TaskServer; readonly serving: Serving } | undefined> {
  const folder = kindFolder(standbyFolder(last.socket), daemon, process.env);
  if (!lives(daemon) || countStandbys(folder) >= settings.standbyAtOnce) return undefined;
  const server = new TaskServer();
  const place = placeOf(folder, process.pid);
  const streams = streamsTo((stream) => server.accept(stream));
  const claim = await claimGroupSocket(place.socket, streams);
  if (claim.living) return undefined;
  const order = await waitForOrder(place, { daemon, signalled, limitMs: settings.standbyMs });
  if (order === undefined) return undefined;
  const flags = parseFlags(order.args);
  try {
    if (!setCommandLine([...selfCommand(), ...order.args])) throw noRoom(order.args);
    process.chdir(order.bundle);
    const serving = { flags, settings: await readSettings(process.env), signalled };
    return { server, serving: { ...serving, listener: { stop: claim.leave } } };
  } catch (err) {
    fs.rmSync(flags.socket, { force: true });
    throw err;
  }
}

/** For an order that `start` has not left room for. */
function noRoom(args: readonly string[]): StatusError {
  return new StatusError(StatusCode.internal, `the command line has no room for ${args.join(" ")}`);
}

/** How many living servers stand by; the places of others are removed. */
function countStandbys(folder: string): number {
  const pids = pidsIn(folder);
  const dead = pids.filter((pid) => !fs.existsSync(`/proc/${pid}`));
  for (const pid of dead) removePlace(placeOf(folder, pid));
  return pids.length - dead.length;
}

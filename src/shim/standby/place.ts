import fs from "node:fs";
import path from "node:path";
import { sha256 } from "../../base/sha256.ts";
import { isLive, readProcessStat } from "../../linux/process-stat.ts";
import { type Daemon, daemonWord, parseDaemon } from "./daemon.ts";

/** Where one server stands by. */
export interface Place {
  readonly daemon: Daemon;
  readonly kind: string;
  /** The server's. */
  readonly pid: number;
}

/**
 * What a server that stands by could be launched as: a hash of what a process inherits from the daemon and could differ
 * from one call of `start` to the next (environment, limits, control group, executable). `start` and the server, when it
 * begins to stand by, each work it out for themselves: one that was moved into another control group, for one, is not
 * asked. All else that is inherited (credentials, namespaces, scheduling) is the daemon's own.
 */
export function kindOf(env: NodeJS.ProcessEnv): string {
  const { dev, ino } = fs.statSync("/proc/self/exe");
  const [limits, cgroup] = ["limits", "cgroup"].map((name) => fs.readFileSync(`/proc/self/${name}`, "utf8"));
  const variables = Object.entries(env).sort(([one], [other]) => (one < other ? -1 : 1));
  return sha256(JSON.stringify([variables, limits, cgroup, dev, ino])).slice(0, KIND_LENGTH);
}

/** So much of a hash that no two are alike, and so little that the path is shorter than that of a shim's socket. */
const KIND_LENGTH = 20;

/** The socket of a place. */
export function socketOf(folder: string, { daemon, kind, pid }: Place): string {
  return path.join(folder, `${daemonWord(daemon)}:${kind}:${pid}`);
}

/** Every place that there is, in the order of the pids; those of servers that have gone as well. */
export function placesIn(folder: string): Place[] {
  let names: string[] = [];
  try {
    names = fs.readdirSync(folder);
  } catch {
    // Nobody stands by.
  }
  const places = names.flatMap((name) => {
    const [, word = "", kind = "", pid = ""] = /^(\d+:\d+):([0-9a-f]+):(\d+)$/.exec(name) ?? [];
    const daemon = parseDaemon(word);
    return daemon === undefined ? [] : [{ daemon, kind, pid: Number(pid) }];
  });
  return places.sort((one, other) => one.pid - other.pid);
}

/** Whether two places are those of one daemon's servers. */
export function isOf(daemon: Daemon, place: Place): boolean {
  return daemonWord(place.daemon) === daemonWord(daemon);
}

/** Whether there is a process that may be the server of a place. */
export function isLiving({ pid }: Place): boolean {
  const stat = readProcessStat(pid);
  return stat !== undefined && isLive(stat);
}

import fs from "node:fs";
import path from "node:path";
import { sha256 } from "../../base/sha256.ts";
import { type NamedProcess, parseWord, wordOf } from "./named-process.ts";

/** Where one server stands by. */
export interface Place {
  /** Whose next container it is for. */
  readonly daemon: NamedProcess;
  readonly kind: string;
  readonly server: NamedProcess;
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
const KIND_LENGTH = 16;

/** The socket of a place. */
export function socketOf(folder: string, { daemon, kind, server }: Place): string {
  return path.join(folder, [wordOf(daemon), kind, wordOf(server)].join(":"));
}

/** Every place that there is, in the order of the servers' pids; those of servers that have gone as well. */
export function placesIn(folder: string): Place[] {
  let names: string[] = [];
  try {
    names = fs.readdirSync(folder);
  } catch {
    // Nobody stands by.
  }
  const places = names.flatMap((name) => {
    const [, one = "", kind = "", other = ""] = /^(\d+:\d+):([0-9a-f]+):(\d+:\d+)$/.exec(name) ?? [];
    const [daemon, server] = [parseWord(one), parseWord(other)];
    return daemon === undefined || server === undefined ? [] : [{ daemon, kind, server }];
  });
  return places.sort((one, other) => one.server.pid - other.server.pid);
}

/** Whether a place is one of a daemon's servers. */
export function isOf(daemon: NamedProcess, place: Place): boolean {
  return wordOf(place.daemon) === wordOf(daemon);
}

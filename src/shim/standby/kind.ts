import fs from "node:fs";
import path from "node:path";
import { sha256 } from "../../base/sha256.ts";
import type { Daemon } from "./daemon.ts";

/**
 * The folder of the servers that stand by for a daemon and are of this process's kind: any one of them is what could be
 * launched now. Its name is a hash of what a process inherits from the daemon and could differ from one call of `start`
 * to the next: environment, limits, control group, executable. `start` and the server each work it out for themselves,
 * so that a server that was moved into another control group, for one, is not found. All else that is inherited
 * (credentials, namespaces, scheduling) is the daemon's own.
 */
export function kindFolder(standbyFolder: string, daemon: Daemon, env: NodeJS.ProcessEnv): string {
  const { dev, ino } = fs.statSync("/proc/self/exe");
  const [limits, cgroup] = ["limits", "cgroup"].map((name) => fs.readFileSync(`/proc/self/${name}`, "utf8"));
  const variables = Object.entries(env).sort(([one], [other]) => (one < other ? -1 : 1));
  const kind = JSON.stringify([daemon.pid, daemon.startTime, variables, limits, cgroup, dev, ino]);
  return path.join(standbyFolder, sha256(kind).slice(0, NAME_LENGTH));
}

/** So much of a hash that no two are alike, and so little that the paths are no longer than that of a shim's socket. */
const NAME_LENGTH = 32;

/** Where one server stands by. */
export interface Place {
  /** The socket that it listens on; who takes the server gives it the name of a group's. */
  readonly socket: string;
  /** The fifo from which it reads whom it is to serve. */
  readonly orders: string;
}

/** The place of the server with this pid. */
export function placeOf(folder: string, pid: number): Place {
  const socket = path.join(folder, String(pid));
  return { socket, orders: `${socket}.orders` };
}

/** The pids of the servers that have a place, living or not. */
export function pidsIn(folder: string): number[] {
  try {
    return fs
      .readdirSync(folder)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** Empties a place: of one that is taken, or whose server has gone. */
export function removePlace({ socket, orders }: Place): void {
  for (const file of [socket, orders]) fs.rmSync(file, { force: true });
}

import fs from "node:fs";
import path from "node:path";
import { launch } from "../base/launch.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { readProcessStat } from "../linux/process-stat.ts";
import { runFolder } from "./run-directory.ts";

/** A program that waits for the end of its stdin, and exits. */
export type HelperCommand = readonly [program: string, ...args: string[]];

/**
 * What the helper does, as a constant text for the shell; nothing from outside is in it. The arguments are the
 * seconds that it waits for its turn (0: no turn is needed) and the markers to remove after a clean release;
 * descriptor 3 is the lock of the device, those from 4 on are the mounts.
 * - The read ends with stdin: when we say so, or die.
 * - flock(1) waits for the releases before ours on the device, unless somebody waits for us. It must not hold the mounts meanwhile, or the
 *   shell's close would not be the last. One that cannot give up by itself (busybox) fails at once, also for a file
 *   that nobody locks: timeout(1) ends it then. Without these programs there are no turns.
 * - Each mount is closed by itself, in which the kernel syncs, as the lock would go before that in an exit.
 *   Descriptors beyond 9 the shell cannot name; they go in the exit.
 */
const SCRIPT = `read -r word
turn=$1
shift
if [ "$word" != now ] && [ "$turn" -gt 0 ]; then
  { flock -w "$turn" 3 || flock -w 1 /dev/null true || timeout "$turn" flock 3; } 4<&- 5<&- 6<&- 7<&- 8<&- 9<&-
fi
exec 4<&- 5<&- 6<&- 7<&- 8<&- 9<&-
if [ "$word" = clean ] && [ "$#" -gt 0 ]; then rm -rf -- "$@"; fi`;

/** What the script's arguments are shown behind in a list of processes. */
const TITLE = "ebb-release";

/** `clean` has a helper remove the markers as well; `now` has it take no turn, as somebody's answer waits for it. */
export type HowToLetGo = "clean" | "now";

/** A process that holds descriptors until it is let go. */
export interface Helper {
  readonly pid: number;
  /** In clock ticks since boot: with the pid, what tells this process from any later one. */
  readonly startTime: number;
  /** Ends its stdin, upon which it lets the descriptors go and exits. Our death does the same, with no more to say. */
  readonly letGo: (how?: HowToLetGo) => void;
  /** Resolves when it has exited, and what its exit had to do for the descriptors is done. */
  readonly exited: Promise<void>;
}

/** What a helper is started with. */
export interface HelperOptions {
  /** What it holds. */
  readonly fds: readonly number[];
  /** The open lock file that releases on one device take turns by, and for how long it waits, in milliseconds. */
  readonly turn?: { readonly lock: number; readonly limitMs: number } | undefined;
  /** Directories that are removed when the release was clean (`volatile.ts`). */
  readonly markers?: readonly string[];
  /** What else can hold descriptors, the first that starts is taken; without turns, and removing no markers. */
  readonly fallbacks?: readonly HelperCommand[];
  /** A POSIX shell; `/bin/sh` where it is missing. */
  readonly shell?: string | undefined;
}

/**
 * Opens the file that releases on a device take turns by. A lock belongs to the open file: the caller closes its
 * descriptor when the helper has its own, which is then the only one.
 */
export function openLock(runDirectory: string, device: string): number {
  return fs.openSync(path.join(runFolder(runDirectory, "locks"), device.replace(":", "-")), "a", 0o600);
}

/**
 * Starts a helper: the shell, which has one thread, so that its end is the end of its last reference, and a
 * twentieth of our memory; else one of the fallbacks. It keeps neither this process alive nor its directory or
 * session. Where none can be started the error is `unavailable`.
 */
export async function startHelper(options: HelperOptions): Promise<Helper> {
  const { turn, markers = [], fallbacks = [], shell = "/bin/sh" } = options;
  const seconds = turn === undefined ? 0 : Math.ceil(turn.limitMs / 1000);
  const first: HelperCommand = [shell, "-c", SCRIPT, TITLE, String(seconds), ...markers];
  const failures: string[] = [];
  for (const command of [first, ...fallbacks]) {
    try {
      return await startOne(command, options);
    } catch (err) {
      failures.push(err instanceof Error ? err.message : String(err));
    }
  }
  const message = `the helper that releases a mount cannot be started: ${failures.join("; ")}`;
  throw new StatusError(StatusCode.unavailable, message);
}

async function startOne(command: HelperCommand, { fds, turn }: HelperOptions): Promise<Helper> {
  // In a session and directory of its own, so that it holds nothing else and no signal of ours reaches it.
  const child = await launch(command, {
    stdio: ["pipe", "ignore", "ignore", turn?.lock ?? "ignore", ...fds],
    detached: true,
    cwd: "/",
    env: {},
  });
  child.unref();
  return {
    pid: child.pid,
    startTime: readProcessStat(child.pid)?.startTime ?? 0,
    letGo: (how) => child.endStdin(how === undefined ? "" : `${how}\n`),
    exited: child.ended.then(() => {}),
  };
}

/** What `start` and the server that it has launched, front.sh or the program itself, say to each other. */
import fs from "node:fs";

/** The variable by which `start` tells a process that it is the server, and for which daemon: the daemon's pid. */
export const DAEMON_VARIABLE = "EBB_DAEMON";

/** The descriptor on which the server tells `start` what has come of it. */
export const TOLD_FD = 4;

/** What it says there: the daemon was answered; or it was not, and stderr says why. */
export const Told = { ready: "ready", failed: "failed" } as const;

/** One of these. */
export type Told = (typeof Told)[keyof typeof Told];

let isTold = false;

/**
 * What is behind the last word of a server's command line on a host on which servers stand by: by so much the command
 * line for another container may be longer.
 */
export const COMMAND_LINE_ROOM = " ".repeat(320);

/** Tells `start` how to end, once: later the descriptor may be anything's. Throws where `start` was killed. */
export function tellStart(how: Told): void {
  if (isTold) return;
  isTold = true;
  fs.writeSync(TOLD_FD, how);
  fs.closeSync(TOLD_FD);
}

/**
 * Writes the answer of `start` where the daemon reads it, has `start` end well, and lets go of what this process has of
 * the daemon's: it waits until nobody has stdout and stderr any more. Throws where `start` was killed, which the daemon
 * takes for a failure.
 */
export function answerDaemon(answer: Uint8Array): void {
  fs.writeSync(1, answer);
  tellStart(Told.ready);
  for (const [fd, mode] of [
    [0, "r"],
    [1, "w"],
    [2, "w"],
  ] as const) {
    fs.closeSync(fd);
    // The lowest descriptor that is free.
    fs.openSync("/dev/null", mode);
  }
}

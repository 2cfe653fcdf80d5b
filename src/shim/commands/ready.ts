import fs from "node:fs";

/** The descriptor on which the server tells `start` that it has answered the daemon and serves. */
export const READY_FD = 4;

/** What it says there. Whoever ends without having said so has said on stderr why. */
export const READY = "ready";

/**
 * What is behind the last word of a server's command line on a host on which servers stand by: by so much the command
 * line for another container may be longer.
 */
export const COMMAND_LINE_ROOM = " ".repeat(320);

/**
 * Writes the answer of `start` where the daemon reads it, has `start` end well, and lets go of what this process has of
 * the daemon's: it waits until nobody has stdout and stderr any more. Throws where `start` was killed, which the daemon
 * takes for a failure.
 */
export function answerDaemon(answer: Uint8Array): void {
  fs.writeSync(1, answer);
  fs.writeSync(READY_FD, READY);
  fs.closeSync(READY_FD);
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

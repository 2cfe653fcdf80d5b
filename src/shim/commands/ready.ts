import fs from "node:fs";

/** The descriptor on which the server inherits its listening socket, as in containerd's own shim. */
export const SERVER_SOCKET_FD = 3;

/** The descriptor on which the server tells `start` that it serves, or why it does not. */
export const READY_FD = 4;

/** Tells `start` that the server serves; from here on `start` may answer the daemon. */
export function reportReady(): void {
  report("ready");
}

/** Tells `start` why the server cannot serve. */
export function reportFailure(message: string): void {
  report(message);
}

/** Writes one message and closes the descriptor. A server started by hand has none, which is no error. */
function report(message: string): void {
  try {
    fs.writeSync(READY_FD, message);
    fs.closeSync(READY_FD);
  } catch {
    // Nobody listens any more: `start` was killed, and the daemon will find that out.
  }
}

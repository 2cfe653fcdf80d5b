import fs from "node:fs";
import path from "node:path";
import { sleep, within } from "../../base/deadline.ts";
import { errnoOf } from "../../base/files.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { type BunListener, bun, type SocketEvents } from "../bun.ts";

/** Who serves a group: a shim that lives already, or this process, by this socket. */
export type GroupSocket = { readonly living: true } | ClaimedSocket;

/** A socket of this process that listens. */
export interface ClaimedSocket {
  readonly living: false;
  readonly listener: BunListener;
  /** Closes it; the path stays. */
  leave(): void;
}

/** How long a living shim may take to accept a connection; the kernel does it, so only a lost one takes long. */
const CONNECT_MS = 1_000;
/** How long to wait for another `start` that is replacing the same stale socket, and how often to look. */
const REPLACE = { limitMs: 5_000, pauseMs: 5 };

/** For a socket that another process is to serve: what connects to this one is not answered. */
const NOTHING: SocketEvents<unknown> = { data: () => {} };

/**
 * Listens on the socket of a group (mode 0600 from the moment it exists, in a directory 0700), or finds the
 * shim that does so already. A socket that a dead shim left is replaced; of several calls at once one wins and
 * the others find it living. What connects to this process is told to `events`.
 */
export async function claimGroupSocket<T>(
  socket: string,
  events: SocketEvents<T> = NOTHING,
): Promise<GroupSocket> {
  fs.mkdirSync(path.dirname(socket), { recursive: true, mode: 0o700 });
  const giveUp = performance.now() + REPLACE.limitMs;
  let mutex: BunListener | undefined;
  try {
    while (performance.now() < giveUp) {
      const listening = listenAt(socket, events);
      if (listening !== undefined) return listening;
      if (await accepts(socket)) return { living: true };
      // Only the holder of the mutex removes: else the second of two would remove what the first has just made.
      mutex ??= listen(`\0ebb-replace-${path.basename(socket)}`, NOTHING);
      if (mutex === undefined) await sleep(REPLACE.pauseMs);
      else if (!(await accepts(socket))) fs.rmSync(socket, { force: true });
    }
  } finally {
    mutex?.stop();
  }
  throw new StatusError(
    StatusCode.unavailable,
    `socket ${socket} is left by a dead shim and cannot be replaced`,
  );
}

/** Whether somebody accepts connections on a unix socket. */
export async function accepts(socket: string): Promise<boolean> {
  const connected = bun.connect({ unix: socket, socket: { data: () => {} } });
  // Also one that comes to be after its time is ended.
  const ended = connected.then((connection) => connection.end());
  try {
    await within(ended, CONNECT_MS, "connecting");
    return true;
  } catch {
    return false;
  }
}

/**
 * Listens at a path; undefined where it is taken. The path goes by a descriptor of its directory: the runtime removes
 * the path of a server that it closes, and does not find this one any more.
 */
function listenAt<T>(socket: string, events: SocketEvents<T>): ClaimedSocket | undefined {
  const directory = fs.openSync(path.dirname(socket), fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  let listener: BunListener | undefined;
  try {
    listener = listen(`/proc/self/fd/${directory}/${path.basename(socket)}`, events);
  } finally {
    if (listener === undefined) fs.closeSync(directory);
  }
  return listener && { living: false, listener, leave: () => close(listener, directory) };
}

function close(listener: BunListener, directory: number): void {
  fs.closeSync(directory);
  listener.stop();
}

/** Listens on a new socket; undefined where the address is taken. Unless it is stopped it ends with this process. */
function listen<T>(socket: string, events: SocketEvents<T>): BunListener | undefined {
  // bind(2) takes the mode from the umask, so there is no moment in which somebody else could connect.
  const umask = process.umask(0o177);
  try {
    return bun.listen({ unix: socket, socket: events });
  } catch (err) {
    const reason = errnoOf(err) ?? String(err);
    if (reason === "EADDRINUSE") return undefined;
    throw new StatusError(StatusCode.unavailable, `listen on ${socket}: ${reason}`, { cause: err });
  } finally {
    process.umask(umask);
  }
}

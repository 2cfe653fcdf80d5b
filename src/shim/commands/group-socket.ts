import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { sleep } from "../../base/deadline.ts";
import { StatusCode, StatusError } from "../../base/status.ts";

/** Who serves a group: a shim that lives already, or the one that is to be launched with this socket. */
export type GroupSocket = { readonly living: true } | ClaimedSocket;

/** A socket that listens, for the shim that is to be launched. */
export interface ClaimedSocket {
  readonly living: false;
  readonly fd: number;
  /**
   * Leaves it to whoever has inherited the descriptor. Until then this process takes connections as well, and what
   * has connected to it is lost when it ends.
   */
  leave(): void;
}

/** How long a living shim may take to accept a connection; the kernel does it, so only a lost one takes long. */
const CONNECT_MS = 1_000;
/** How long to wait for another `start` that is replacing the same stale socket, and how often to look. */
const REPLACE = { limitMs: 5_000, pauseMs: 5 };

/**
 * Listens on the socket of a group (mode 0600 from the moment it exists, in a directory 0700), or finds the
 * shim that does so already. A socket that a dead shim left is replaced; of several calls at once one wins and
 * the others find it living.
 */
export async function claimGroupSocket(socket: string): Promise<GroupSocket> {
  fs.mkdirSync(path.dirname(socket), { recursive: true, mode: 0o700 });
  const giveUp = performance.now() + REPLACE.limitMs;
  let mutex: net.Server | undefined;
  while (performance.now() < giveUp) {
    const listening = await listenAt(socket);
    if (listening !== undefined) return listening;
    if (await accepts(socket)) return { living: true };
    // Only the holder of the mutex removes: else the second of two would remove what the first has just made.
    mutex ??= await listen(`\0ebb-replace-${path.basename(socket)}`);
    if (mutex === undefined) await sleep(REPLACE.pauseMs);
    else if (!(await accepts(socket))) fs.rmSync(socket, { force: true });
  }
  throw new StatusError(
    StatusCode.unavailable,
    `socket ${socket} is left by a dead shim and cannot be replaced`,
  );
}

/** Whether somebody accepts connections on a unix socket. */
export function accepts(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = net.connect(socket);
    const timer = setTimeout(() => connection.destroy(new Error("timeout")), CONNECT_MS);
    const answer = (living: boolean) => {
      clearTimeout(timer);
      connection.destroy();
      resolve(living);
    };
    connection.once("connect", () => answer(true));
    connection.once("error", () => answer(false));
  });
}

/** Removes the socket of a dead shim; leaves a living one, and whatever is no socket, alone. */
export async function removeStaleSocket(socket: string): Promise<void> {
  const stat = fs.lstatSync(socket, { throwIfNoEntry: false });
  if (stat?.isSocket() && !(await accepts(socket))) fs.rmSync(socket, { force: true });
}

/**
 * Listens at a path; undefined where it is taken. The path goes by a descriptor of its directory: the runtime removes
 * the path of a server that it closes, and does not find this one any more.
 */
async function listenAt(socket: string): Promise<ClaimedSocket | undefined> {
  const directory = fs.openSync(path.dirname(socket), fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  let server: net.Server | undefined;
  try {
    server = await listen(`/proc/self/fd/${directory}/${path.basename(socket)}`);
  } finally {
    if (server === undefined) fs.closeSync(directory);
  }
  return server && { living: false, fd: descriptorOf(server, socket), leave: () => close(server, directory) };
}

function close(server: net.Server, directory: number): void {
  fs.closeSync(directory);
  server.close();
}

/** A server on a new socket, or undefined where the address is taken. Unless it is closed it ends with this process. */
function listen(socket: string): Promise<net.Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    // bind(2) takes the mode from the umask, so there is no moment in which somebody else could connect.
    const umask = process.umask(0o177);
    server.once("error", (err: NodeJS.ErrnoException) => {
      process.umask(umask);
      if (err.code === "EADDRINUSE") resolve(undefined);
      else
        reject(
          new StatusError(StatusCode.unavailable, `listen on ${socket}: ${err.message}`, { cause: err }),
        );
    });
    server.listen(socket, () => {
      process.umask(umask);
      resolve(server);
    });
  });
}

/** The runtime keeps the descriptor in the handle of the server; it has no public name. */
function descriptorOf(server: net.Server, socket: string): number {
  const { _handle: handle } = server as unknown as { _handle?: { fd?: number } };
  if (typeof handle?.fd === "number" && handle.fd >= 0) return handle.fd;
  throw new StatusError(StatusCode.internal, `no descriptor of ${socket}`);
}

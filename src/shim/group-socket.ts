import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { sleep } from "../base/deadline.ts";
import { StatusCode, StatusError } from "../base/status.ts";

/** Who serves a group: a shim that lives already, or the one that is to be launched with this descriptor. */
export type GroupSocket = { readonly living: true } | { readonly living: false; readonly fd: number };

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
  let mutex: number | undefined;
  while (performance.now() < giveUp) {
    const fd = await listen(socket);
    if (fd !== undefined) return { living: false, fd };
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
 * The descriptor of a new listening socket, or undefined where the address is taken. The descriptor stays open
 * until this process ends; `start` ends right after the server has inherited it.
 */
function listen(socket: string): Promise<number | undefined> {
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
      const fd = descriptorOf(server);
      if (fd === undefined) reject(new StatusError(StatusCode.internal, `no descriptor of ${socket}`));
      else resolve(fd);
    });
  });
}

/** The runtime keeps the descriptor in the handle of the server; it has no public name. */
function descriptorOf(server: net.Server): number | undefined {
  const { _handle: handle } = server as unknown as { _handle?: { fd?: number } };
  return typeof handle?.fd === "number" && handle.fd >= 0 ? handle.fd : undefined;
}

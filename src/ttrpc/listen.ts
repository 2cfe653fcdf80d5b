import fs from "node:fs";
import type net from "node:net";
import { dirname } from "node:path";
import type { Duplex } from "node:stream";
import { deferred } from "../base/deferred.ts";
import type { Logger } from "../base/logger.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { addressName, checkAddress, type SocketAddress, toNetPath } from "./address.ts";

/** Where to listen: on a path (mode 0600 unless told), an abstract name, or a descriptor that listens already. */
export type ListenOptions =
  | { readonly path: string; readonly mode?: number }
  | { readonly abstract: string }
  | { readonly fd: number };

/** A socket that accepts clients. */
export interface Listener {
  /** Where, for messages: the path, `@name`, or `fd 3`. */
  readonly address: string;
  /** Accepts no more clients; resolves when the socket is closed and its path removed. Connections go on. */
  close(): Promise<void>;
}

/** What a listener reports to. */
export interface ListenTarget {
  readonly onStream: (stream: Duplex) => void;
  readonly logger: Logger;
}

const DEFAULT_MODE = 0o600;

/**
 * Listens on a unix socket. A path has its mode from the moment it exists. Throws `invalidArgument` for an
 * address too long, `alreadyExists` where the address is taken (also by a socket nobody serves any more: only
 * the caller can know), `notFound` without the directory, `permissionDenied`, or `unavailable`, each naming it. A path is taken on the
 * main thread only: its mode is set by way of the process's umask.
 */
export async function listen(where: ListenOptions, target: ListenTarget): Promise<Listener> {
  const address = "fd" in where ? `fd ${where.fd}` : addressName(checkAddress(where));
  const listening = deferred();
  // Not before it is asked for: whoever brings streams of their own does without it.
  const { createServer } = await import("node:net");
  const server = createServer((socket) => target.onStream(socket));
  server.once("listening", () => listening.resolve());
  // Stays: what the socket reports later (no descriptors left, say) must not end the process.
  server.on("error", (err) => {
    if (server.listening) target.logger.error("listening socket failed", { address, err });
    listening.reject(err);
  });
  try {
    if ("fd" in where) server.listen({ fd: where.fd });
    else listenOn(server, where);
    await listening.promise;
  } catch (err) {
    throw listenError(err, address);
  }
  return { address, close: () => closeServer(server) };
}

function listenOn(server: net.Server, where: SocketAddress & { readonly mode?: number }): void {
  const path = toNetPath(where);
  if (!("path" in where)) return void server.listen({ path });
  // Node calls this a lack of permission.
  if (!fs.existsSync(dirname(path))) {
    throw new StatusError(StatusCode.notFound, `listen on ${path}: there is no directory ${dirname(path)}`);
  }
  // bind(2), which happens within the call, takes the mode from the umask: there is no moment in which others
  // could connect, as there would be before a chmod(2).
  const umask = process.umask(0o777 & ~(where.mode ?? DEFAULT_MODE));
  try {
    server.listen({ path });
  } finally {
    process.umask(umask);
  }
}

/** Its callback would wait for every connection that it has accepted; the socket itself is closed within the call. */
async function closeServer(server: net.Server): Promise<void> {
  server.close();
}

function taken(address: string, cause?: unknown): StatusError {
  return new StatusError(StatusCode.alreadyExists, `listen on ${address}: the address is in use`, { cause });
}

function listenError(err: unknown, address: string): StatusError {
  if (err instanceof StatusError) return err;
  const { code, message } = err as NodeJS.ErrnoException;
  if (code === "EADDRINUSE") return taken(address, err);
  const denied = code === "EACCES" || code === "EPERM";
  const status = denied ? StatusCode.permissionDenied : StatusCode.unavailable;
  return new StatusError(status, `listen on ${address}: ${message}`, { cause: err });
}

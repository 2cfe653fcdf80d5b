import { abortable, deadline } from "../base/deadline.ts";
import { deferred } from "../base/deferred.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { parseAddress, toNetPath } from "./address.ts";
import { ClientConnection, type ClientOptions } from "./client-connection.ts";
import { abortError } from "./status.ts";

/** How to connect. */
export interface ConnectOptions extends ClientOptions {
  /** Gives up after so many milliseconds, with `deadlineExceeded`. The connection itself has no time limit. */
  readonly timeoutMs?: number;
  /** Gives up connecting, with `cancelled`. */
  readonly signal?: AbortSignal;
}

/**
 * Connects to a server's socket; for the forms of the address see `parseAddress`. Throws `invalidArgument` for an
 * address that is none, `permissionDenied`, `unavailable` where nobody listens, each naming the address.
 */
export async function connect(address: string, options: ConnectOptions = {}): Promise<ClientConnection> {
  const path = toNetPath(parseAddress(address));
  const what = `connecting to ${address}`;
  const { signal, cleanup } = deadline(options.timeoutMs ?? Infinity, what, options.signal);
  // Not before it is asked for: whoever brings streams of their own does without it.
  const net = await import("node:net");
  const connected = deferred();
  const onError = (err: Error) => connected.reject(connectError(err, address));
  const socket = net.connect({ path });
  socket.once("connect", () => connected.resolve());
  socket.on("error", onError);
  try {
    await abortable(connected.promise, signal);
  } catch (err) {
    socket.destroy();
    throw abortError(err, what);
  } finally {
    cleanup();
  }
  const connection = new ClientConnection(socket, options);
  socket.off("error", onError);
  return connection;
}

function connectError(err: NodeJS.ErrnoException, address: string): StatusError {
  const denied = err.code === "EACCES" || err.code === "EPERM";
  const code = denied ? StatusCode.permissionDenied : StatusCode.unavailable;
  return new StatusError(code, `connect to ${address}: ${err.message}`, { cause: err });
}

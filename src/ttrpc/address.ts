import { StatusCode, StatusError } from "../base/status.ts";

/**
 * The most bytes of a socket's path, or of an abstract name: `sun_path` holds 108, and the path's closing zero
 * or the name's leading one takes one (unix(7)).
 */
export const MAX_SOCKET_PATH = 107;

/** Where a socket is: in the file system, or in Linux's abstract namespace. */
export type SocketAddress = { readonly path: string } | { readonly abstract: string };

/**
 * Reads an address as containerd and its shims write them: `unix:///path`, `unix:/path` or a plain absolute
 * path; `unix://@name`, `unix:@name` or `@name` for an abstract one. Throws `invalidArgument` for anything
 * else, and for what is longer than a socket address holds.
 */
export function parseAddress(address: string): SocketAddress {
  const place = address.replace(/^unix:(\/\/)?/, "");
  if (place.startsWith("@")) return checkAddress({ abstract: place.slice(1) });
  if (place.startsWith("/")) return checkAddress({ path: place });
  throw invalid(`address ${quote(address)} is neither a unix socket's path nor @ and an abstract name`);
}

/** Returns the address; throws `invalidArgument`, naming it and the limit, where the kernel could not take it. */
export function checkAddress(address: SocketAddress): SocketAddress {
  const [kind, name] = "path" in address ? ["path", address.path] : ["abstract name", address.abstract];
  if (name === "") throw invalid(`the socket's ${kind} is empty`);
  // Node would cut the name there, or at the limit, and use the rest as if it had been asked for.
  if (name.includes("\0")) throw invalid(`socket ${kind} ${quote(name)} contains a zero byte`);
  const length = Buffer.byteLength(name);
  if (length > MAX_SOCKET_PATH) {
    throw invalid(`socket ${kind} ${name} has ${length} bytes, the limit is ${MAX_SOCKET_PATH}`);
  }
  return address;
}

/** The form in which node:net takes an address. */
export function toNetPath(address: SocketAddress): string {
  return "path" in address ? address.path : `\0${address.abstract}`;
}

/** The form of an address in messages. */
export function addressName(address: SocketAddress): string {
  return "path" in address ? address.path : `@${address.abstract}`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}

function invalid(message: string): StatusError {
  return new StatusError(StatusCode.invalidArgument, message);
}

import path from "node:path";
import { sha256 } from "../../base/sha256.ts";
import { StatusCode, StatusError } from "../../base/status.ts";

/** Where shims' sockets live unless the daemon names another directory. */
export const DEFAULT_SOCKET_DIR = "/run/containerd/s";

/** The longest path a unix socket's address holds (unix(7): 108 bytes with the closing zero). */
export const MAX_SOCKET_PATH = 107;

/**
 * The path of the socket that serves a group (a container of its own, or a pod): the directory and the SHA-256
 * of `daemon address/namespace/group`, joined as a path, as containerd's own shim does it, so that either
 * finds the other's. A path that the kernel would not take is `invalidArgument`.
 */
export function socketPath(options: {
  readonly dir: string;
  readonly address: string;
  readonly namespace: string;
  readonly group: string;
}): string {
  const name = path.join(options.address, options.namespace, options.group);
  const socket = path.join(options.dir, sha256(name));
  const bytes = Buffer.byteLength(socket);
  if (bytes > MAX_SOCKET_PATH) {
    const message = `socket path ${socket} is ${bytes} bytes long, the kernel takes ${MAX_SOCKET_PATH}: choose a shorter socket_dir`;
    throw new StatusError(StatusCode.invalidArgument, message);
  }
  return socket;
}

/** A socket's path as the address that the daemon is told. */
export function socketAddress(socket: string): string {
  return `unix://${socket}`;
}

const GROUP_ANNOTATIONS = ["io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id"];

/**
 * The group whose shim serves a container: what its annotations name (containerd's own grouping first, then
 * the pod's), else the container itself.
 */
export function groupOf(id: string, annotations: Readonly<Record<string, string>>): string {
  for (const name of GROUP_ANNOTATIONS) {
    const group = annotations[name];
    if (group !== undefined && group !== "") return group;
  }
  return id;
}

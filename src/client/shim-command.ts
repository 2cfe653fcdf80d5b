import { containerd, google } from "../proto/index.ts";

/** Which shim binary is called, for which container, as which daemon. */
export interface ShimCommand {
  /** Path of the shim binary. */
  readonly binary: string;
  readonly namespace: string;
  readonly id: string;
  /** The bundle's directory. */
  readonly bundle: string;
  /** The daemon's own address (`-address`): together with namespace and id it names the shim's socket. */
  readonly address: string;
  /** Where the daemon takes events (TTRPC_ADDRESS): path of a socket. */
  readonly ttrpcAddress: string;
  /** `-publish-binary`; shims of this age never run it, as events go to `ttrpcAddress`. */
  readonly publishBinary?: string;
  readonly debug?: boolean;
  /** More environment variables; they win over all others. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What `start` gets beside its flags. */
export interface StartInput {
  /** The runtime's options, such as a `containerd.runc.v1.Options`. */
  readonly options?: google.protobuf.IAny;
  /** Which daemon to be: one before 2.3 (stdin holds the options), or 2.3 (stdin holds BootstrapParams). */
  readonly bootstrap: "legacy" | "v2.3";
  /** Where the shim puts its socket; a daemon before 2.3 cannot say so. */
  readonly socketDir?: string;
}

/** The daemon's version that BootstrapParams tell. */
const DAEMON_VERSION = "2.3.0";
const LOG_LEVEL_DEBUG = -4;
const LOG_LEVEL_INFO = 0;

/** The arguments of a call, as the daemon writes them. */
export function shimArgs(command: ShimCommand, action: "start" | "delete"): string[] {
  const args = ["-namespace", command.namespace, "-address", command.address];
  args.push("-publish-binary", publishBinary(command), "-id", command.id);
  if (action === "delete") args.push("-bundle", command.bundle);
  if (command.debug) args.push("-debug");
  return [...args, action];
}

/** The environment of a call: this process's own, and what the daemon adds. */
export function shimEnv(command: ShimCommand, base: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return {
    ...base,
    GOMAXPROCS: "2",
    MAX_SHIM_VERSION: "2",
    TTRPC_ADDRESS: command.ttrpcAddress,
    GRPC_ADDRESS: command.address,
    NAMESPACE: command.namespace,
    ...command.env,
  };
}

/** What `start` reads from its stdin. */
export function startStdin(command: ShimCommand, input: StartInput): Uint8Array {
  if (input.bootstrap === "legacy") {
    return input.options === undefined
      ? new Uint8Array()
      : google.protobuf.Any.encode(input.options).finish();
  }
  return containerd.runtime.bootstrap.v1.BootstrapParams.encode({
    instanceId: command.id,
    namespace: command.namespace,
    logLevel: command.debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
    containerdVersion: DAEMON_VERSION,
    containerdTtrpcAddress: command.ttrpcAddress,
    containerdGrpcAddress: command.address,
    containerdBinary: publishBinary(command),
    extensions: input.options === undefined ? [] : [{ value: input.options }],
    ...(input.socketDir === undefined ? {} : { socketDir: input.socketDir }),
  }).finish();
}

function publishBinary(command: ShimCommand): string {
  return command.publishBinary ?? process.execPath;
}

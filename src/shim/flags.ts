import { StatusCode, StatusError } from "../base/status.ts";

/** What the command line of the shim says. Names are those of containerd's shim flags. */
export interface Flags {
  readonly namespace: string;
  readonly id: string;
  readonly address: string;
  readonly publishBinary: string;
  readonly bundle: string;
  /** The path of its socket, which the server removes when it ends (containerd: `socket path to serve`). */
  readonly socket: string;
  /** Of a server that stands by, or has: the daemon that it does so for. */
  readonly daemon: string;
  /** What the server logs, as `start` hands it on; empty means as much as without it. */
  readonly logLevel: string;
  readonly debug: boolean;
  readonly version: boolean;
  readonly info: boolean;
  readonly action: string;
}

type StringFlag =
  | "namespace"
  | "id"
  | "address"
  | "publishBinary"
  | "bundle"
  | "socket"
  | "daemon"
  | "logLevel";
type BoolFlag = "debug" | "version" | "info";

const STRING_FLAGS: Readonly<Record<string, StringFlag>> = {
  namespace: "namespace",
  id: "id",
  address: "address",
  "publish-binary": "publishBinary",
  bundle: "bundle",
  socket: "socket",
  daemon: "daemon",
  "log-level": "logLevel",
};

const BOOL_FLAGS: Readonly<Record<string, BoolFlag>> = {
  debug: "debug",
  v: "version",
  version: "version",
  info: "info",
};

const TRUE_WORDS = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const FALSE_WORDS = new Set(["0", "f", "F", "false", "FALSE", "False"]);

/** How the shim is called: printed when a flag is not understood. */
export const USAGE = `usage: containerd-shim-ebb-v2 -namespace NS -id ID -address ADDRESS [-publish-binary PATH] [-bundle DIR] [-debug] start|delete
       containerd-shim-ebb-v2 -v
       containerd-shim-ebb-v2 -info < OPTIONS`;

/**
 * Reads the arguments by the rules of Go's `flag` package, which the daemon writes them by: `-x v`, `--x v`,
 * `-x=v`; a flag that is a switch takes no separate value; flags end at the first other word or at `--`.
 * An unknown flag or a missing value is `invalidArgument`, naming it.
 */
export function parseFlags(args: readonly string[]): Flags {
  const strings: Record<StringFlag, string> = {
    namespace: "",
    id: "",
    address: "",
    publishBinary: "",
    bundle: "",
    socket: "",
    daemon: "",
    logLevel: "",
  };
  const bools: Record<BoolFlag, boolean> = { debug: false, version: false, info: false };
  let at = 0;
  for (; at < args.length; at += 1) {
    const word = args[at] ?? "";
    const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word);
    if (match === null) break;
    const [, name = "", inline] = match;
    const bool = Object.hasOwn(BOOL_FLAGS, name) ? BOOL_FLAGS[name] : undefined;
    const string = Object.hasOwn(STRING_FLAGS, name) ? STRING_FLAGS[name] : undefined;
    if (bool !== undefined) {
      bools[bool] = parseBool(name, inline);
    } else if (string !== undefined) {
      if (inline === undefined) at += 1;
      strings[string] = inline ?? requiredValue(name, args[at]);
    } else {
      throw usageError(`unknown flag ${word}`);
    }
  }
  if (args[at] === "--") at += 1;
  return { ...strings, ...bools, action: args[at] ?? "" };
}

function parseBool(name: string, inline: string | undefined): boolean {
  if (inline === undefined || TRUE_WORDS.has(inline)) return true;
  if (FALSE_WORDS.has(inline)) return false;
  throw usageError(`flag -${name} takes true or false, not ${JSON.stringify(inline)}`);
}

function requiredValue(name: string, value: string | undefined): string {
  if (value === undefined) throw usageError(`flag -${name} needs a value`);
  return value;
}

/** An error about the command line, with the usage below it. */
export function usageError(message: string): StatusError {
  return new StatusError(StatusCode.invalidArgument, `${message}\n${USAGE}`);
}

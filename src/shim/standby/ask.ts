import fs from "node:fs";
import { withRoom } from "../../linux/command-line.ts";
import type { AnyMessage } from "../../oci/options.ts";
import { messageNameOf, RUNC_OPTIONS } from "../../oci/options-type.ts";
import { bytesField, readFields, textField } from "../../proto/fields.ts";
import { callingDaemon, daemonWord } from "./daemon.ts";
import { standbyFolder } from "./folder.ts";
import { kindFolder } from "./kind.ts";
import { encodeOrder } from "./order.ts";
import { type Taken, takeStandby } from "./take.ts";

/** What a server is to be, whether it stands by or has to be launched. */
export interface Wanted {
  /** The path that it is to serve at. */
  readonly socket: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly bundle: string;
  /** The options of the runtime. */
  readonly options: AnyMessage | undefined;
}

/** What there is. */
export interface Asked {
  /** The server that stood by. */
  readonly taken: Taken | undefined;
  /** The command line of one that may stand by later: with the daemon's name and with room for another container's. */
  readonly args: readonly string[];
}

/** By so much the command line for one container may be longer than another's: namespace and id have up to 76 bytes. */
const ROOM_BYTES = 160;

/** Asks for a server that stands by. */
export function askStandby({ socket, args, env, bundle, options }: Wanted): Asked {
  const daemon = callingDaemon();
  if (daemon === undefined || namesCgroup(options)) return { taken: undefined, args };
  const whole = [...args, "-daemon", daemonWord(daemon)];
  const order = encodeOrder({ args: whole, bundle });
  const isFree = order !== undefined && !fs.existsSync(socket);
  const folder = kindFolder(standbyFolder(socket), daemon, env);
  const taken = isFree ? takeStandby(folder, socket, order) : undefined;
  return { taken, args: whole.with(-1, withRoom(daemonWord(daemon), ROOM_BYTES)) };
}

/** Fields of containerd.runc.v1.Options and of runtimeoptions.v1.Options, which may hold the former as TOML. */
const Options = { shimCgroup: 3 } as const;
const Generic = { configPath: 2, configBody: 3 } as const;

/**
 * Whether options may name a control group for the server, which `start` is to put it into: one that stood by is in no
 * other than the daemon's. Without the decoder, which takes milliseconds to load.
 */
function namesCgroup(options: AnyMessage | undefined): boolean {
  const { typeUrl, value } = options ?? {};
  if (!value?.length) return false;
  try {
    const fields = readFields(value);
    if (messageNameOf(typeUrl ?? "") === RUNC_OPTIONS) return textField(fields, Options.shimCgroup) !== "";
    const body = Buffer.from(bytesField(fields, Generic.configBody) ?? []).toString("utf8");
    return textField(fields, Generic.configPath) !== "" || /cgroup\s*=\s*["']+[^"']/i.test(body);
  } catch {
    return true;
  }
}

import fs from "node:fs";
import { withRoom } from "../../linux/command-line.ts";
import type { AnyMessage } from "../../oci/options.ts";
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

/** Asks for a server that stands by. Options that are none are `invalidArgument`. */
export async function askStandby({ socket, args, env, bundle, options }: Wanted): Promise<Asked> {
  const daemon = callingDaemon();
  if (daemon === undefined || (await namesCgroup(options))) return { taken: undefined, args };
  const whole = [...args, "-daemon", daemonWord(daemon)];
  const order = encodeOrder({ args: whole, bundle });
  const isFree = order !== undefined && !fs.existsSync(socket);
  const taken = isFree ? tryToTake(kindFolder(standbyFolder(socket), daemon, env), socket, order) : undefined;
  return { taken, args: whole.with(-1, withRoom(daemonWord(daemon), ROOM_BYTES)) };
}

/** Whatever keeps it from that keeps nobody from launching a server, or is found out then. */
function tryToTake(folder: string, socket: string, order: Uint8Array): Taken | undefined {
  try {
    return takeStandby(folder, socket, order);
  } catch {
    return undefined;
  }
}

/** Whether options name a control group for the server: one that stood by is in the daemon's, and would stay there. */
async function namesCgroup(options: AnyMessage | undefined): Promise<boolean> {
  if (!options?.value?.length) return false;
  const { decodeRuncOptions } = await import("../../oci/decode-options.ts");
  return (await decodeRuncOptions(options)).shimCgroup !== "";
}

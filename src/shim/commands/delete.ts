import fs from "node:fs";
import path from "node:path";
import { readAddress } from "../../oci/address-file.ts";
import { readExitRecord } from "../../oci/exit-record.ts";
import { readInitPid } from "../../oci/pid-file.ts";
import { RUNC_ROOT } from "../../oci/runc-root.ts";
import { encodeEnd, readDeleted } from "../end-of-container.ts";
import type { Flags } from "../flags.ts";
import { checkNames } from "./check-names.ts";
import { orTold } from "./or-told.ts";

/** The status of a process that was killed because its shim had died: 128 + SIGKILL. */
const KILLED = 137;

/**
 * The `delete` command: brings the host back to clean after a shim has died, and tells the daemon how the
 * container ended, as far as the shim had written that down. Works with any file of the bundle missing or damaged; what
 * cannot be cleaned up is told on stderr, which the daemon logs.
 *
 * Daemons call it after every shim, most of which have left nothing: then front.sh answers in its place, and where it is
 * called all the same, nothing is loaded that could clean up.
 */
export async function deleteDead(flags: Flags): Promise<void> {
  const begun = performance.now();
  checkNames(flags);
  const bundle = flags.bundle === "" ? path.join(path.dirname(process.cwd()), flags.id) : flags.bundle;
  await orTold(`the socket of ${flags.id}: `, () => removeSocket(bundle));
  const answer = (await orTold("", () => readDeleted(bundle))) ?? (await cleanedUp(flags, bundle, begun));
  fs.writeSync(1, answer);
}

/** Cleans up, and tells the true end where the shim wrote it down before it died, else a kill now. */
async function cleanedUp(flags: Flags, bundle: string, begun: number): Promise<Uint8Array> {
  const record = await orTold("", () => readExitRecord(bundle));
  if (!hasGone(flags, bundle)) {
    const { settingsForDelete } = await import("./command-settings.ts");
    const { cleanUp } = await import("./clean-up.ts");
    const settings = await settingsForDelete();
    await cleanUp({ flags, bundle, settings, giveUp: begun + settings.deleteMs });
  }
  const pid = async () => (await orTold("", () => readInitPid(bundle))) ?? 0;
  return encodeEnd(record ?? { pid: await pid(), status: KILLED, at: new Date() });
}

/**
 * Whether the daemon has removed the bundle, as it does after Delete while it calls this command. Nothing can be
 * mounted in it then, and nothing says any longer where the OCI runtime keeps its state but in the usual place.
 */
function hasGone({ namespace, id }: Flags, bundle: string): boolean {
  return !fs.existsSync(bundle) && !fs.existsSync(path.join(RUNC_ROOT, namespace, id));
}

async function removeSocket(bundle: string): Promise<void> {
  const address = readAddress(bundle);
  if (!address?.startsWith("unix:///")) return;
  const socket = address.slice("unix://".length);
  if (!fs.existsSync(socket)) return;
  const { removeStaleSocket } = await import("./stale-socket.ts");
  await removeStaleSocket(socket);
}

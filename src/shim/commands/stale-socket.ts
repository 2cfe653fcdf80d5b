import fs from "node:fs";
import { within } from "../../base/deadline.ts";
import { deferred } from "../../base/deferred.ts";
import { hasCode, StatusCode } from "../../base/status.ts";
import { encodeFrame, FrameType } from "../../ttrpc/frame.ts";
import { bun } from "../bun.ts";
import { accepts } from "./group-socket.ts";

/** How long to wait for an answer; a shim that lives and has not given one by then keeps its socket. */
const ANSWER_MS = 1_000;

/** The data of a frame that has none. */
const NO_DATA = new Uint8Array();

/** Removes the socket of a dead or dying shim; leaves a living one, and whatever is no socket, alone. */
export async function removeStaleSocket(socket: string): Promise<void> {
  const stat = fs.lstatSync(socket, { throwIfNoEntry: false });
  if (stat?.isSocket() && !(await answers(socket))) fs.rmSync(socket, { force: true });
}

/**
 * Whether a shim lives at a socket. The kernel closes the descriptors of one that was killed in any order, and takes tens
 * of milliseconds for some: the daemon may have found its connection closed while its socket still listens. A
 * connection to that one is closed as well then; one that lives says what it thinks of an empty request, or nothing yet.
 */
async function answers(socket: string): Promise<boolean> {
  const said = deferred<"something" | "nothing">();
  const events = { data: () => said.resolve("something"), close: () => said.resolve("nothing") };
  try {
    const asked = bun.connect({ unix: socket, socket: events }).then((connection) => {
      connection.write(encodeFrame({ streamId: 1, type: FrameType.request, flags: 0, data: NO_DATA }));
      return said.promise.finally(() => connection.end());
    });
    return (await within(asked, ANSWER_MS, "asking")) === "something" || (await accepts(socket));
  } catch (err) {
    return hasCode(err, StatusCode.deadlineExceeded);
  }
}

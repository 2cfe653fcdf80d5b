import fs from "node:fs";
import { sleep, within } from "../../base/deadline.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { setCommandLine } from "../../linux/command-line.ts";
import { claimGroupSocket, type GroupSocket } from "../commands/group-socket.ts";
import { type Serving, TaskServer } from "../commands/task-server.ts";
import { type Flags, parseFlags } from "../flags.ts";
import { selfCommand } from "../self.ts";
import { readSettings } from "../settings.ts";
import { streamsTo } from "../socket-stream.ts";
import type { Lines } from "./lines.ts";
import { decodeOrder, type Order, readyWith, Word } from "./order.ts";

/** Who is served next, and by what. */
export interface Next {
  readonly server: TaskServer;
  readonly serving: Serving;
}

/**
 * Takes the order of a `start`: listens at the group's socket, says so, and waits until it is told to serve. `none`
 * where nothing has come of it: what was said is no order, the group has a server, who asked has gone, or a signal has
 * come. Undefined where this process cannot serve, or was taken back: it may have been connected to by then.
 */
export async function take(lines: Lines, last: Serving): Promise<Next | "none" | undefined> {
  const signalled = last.signalled.then(() => undefined);
  const order = await Promise.race([signalled, heard(lines, last.settings.serverReadyMs)]);
  if (order === undefined) return "none";
  const { flags } = order;
  const server = new TaskServer();
  let claim: GroupSocket | undefined;
  try {
    // First: when the socket is there, nothing is left but to say so.
    const settings = await become(order);
    claim = await claimGroupSocket(
      flags.socket,
      streamsTo((stream) => server.accept(stream)),
    );
    lines.say(claim.living ? Word.living : readyWith(process.pid));
    if (claim.living) return "none";
    const word = await within(lines.hear(), settings.serverReadyMs, "start");
    if (word !== Word.serve) throw new StatusError(StatusCode.aborted, "it was taken back");
    return {
      server,
      serving: { flags, settings, listener: { stop: claim.leave }, signalled: last.signalled },
    };
  } catch {
    if (claim === undefined || claim.living) return "none";
    fs.rmSync(flags.socket, { force: true });
    claim.leave();
    return undefined;
  }
}

/** An order with its flags. */
type Heard = Order & { readonly flags: Flags };

async function heard(lines: Lines, limitMs: number): Promise<Heard | undefined> {
  try {
    const order = decodeOrder((await within(lines.hear(), limitMs, "the order")) ?? "");
    const flags = parseFlags(order.args);
    // Who has asked long ago, while this process was kept from its work, has asked somebody else since.
    await sleep(0);
    return lines.isOver || flags.socket === "" ? undefined : { ...order, flags };
  } catch {
    return undefined;
  }
}

/** Makes this process what one that was launched with the order's command line would be. */
async function become({ args, bundle }: Order) {
  const words = [...selfCommand(), ...args];
  if (!setCommandLine(words)) {
    throw new StatusError(StatusCode.internal, `the command line has no room for ${words.join(" ")}`);
  }
  process.chdir(bundle);
  return await readSettings(process.env);
}

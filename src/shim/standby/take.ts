import fs from "node:fs";
import { sleep, within } from "../../base/deadline.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { setCommandLine } from "../../linux/command-line.ts";
import { claimGroupSocket } from "../commands/group-socket.ts";
import { type Serving, TaskServer } from "../commands/task-server.ts";
import { type Flags, parseFlags } from "../flags.ts";
import { selfCommand } from "../self.ts";
import { readSettings } from "../settings.ts";
import { streamsTo } from "../socket-stream.ts";
import type { Lines } from "./lines.ts";
import { decodeOrder, type Order, Word } from "./order.ts";
import type { Next } from "./stand-by.ts";

/**
 * Takes the order of a `start`: listens at the group's socket, says so, and waits until it is told to serve. `none`
 * where nothing has come of it (what was said is no order, the group has a server, or who asked has gone), and this
 * process is as it was. Undefined where it cannot serve, or was taken back: it may have been connected to by then.
 */
export async function take(lines: Lines, last: Serving): Promise<Next | "none" | undefined> {
  const order = await heard(lines, last.settings.serverReadyMs);
  if (order === undefined) return "none";
  const server = new TaskServer();
  const claim = await claimGroupSocket(
    order.flags.socket,
    streamsTo((stream) => server.accept(stream)),
  );
  try {
    if (claim.living) {
      lines.say(Word.living);
      return "none";
    }
    const settings = await become(order);
    lines.say(Word.ready);
    const word = await within(lines.hear(), settings.serverReadyMs, "start");
    if (word !== Word.serve) throw new StatusError(StatusCode.aborted, "it was taken back");
    const listener = { stop: claim.leave };
    return { server, serving: { flags: order.flags, settings, listener, signalled: last.signalled } };
  } catch {
    if (claim.living) return "none";
    fs.rmSync(order.flags.socket, { force: true });
    claim.leave();
    return undefined;
  }
}

/** An order with its flags. */
type Heard = Order & { readonly flags: Flags };

async function heard(lines: Lines, limitMs: number): Promise<Heard | undefined> {
  try {
    const order = decodeOrder((await within(lines.hear(), limitMs, "the order")) ?? "");
    // Who has asked long ago, while this process was kept from its work, has asked somebody else since.
    await sleep(0);
    return lines.isOver ? undefined : { ...order, flags: parseFlags(order.args) };
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

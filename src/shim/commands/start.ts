import fs from "node:fs";
import { StatusCode, StatusError } from "../../base/status.ts";
import { bun } from "../bun.ts";
import { selfCommand } from "../self.ts";
import { standbyFolder } from "../standby/folder.ts";
import { COMMAND_LINE_ROOM, DAEMON_VARIABLE, TOLD_FD, Told } from "./ready.ts";
import { SERVER_ENV } from "./server-env.ts";
import { DEFAULT_SOCKET_DIR } from "./socket-address.ts";

/**
 * The `start` command: launches the server in a session of its own, with its own stdin, stdout and stderr, and ends as
 * the server says it shall. All else is the server's work, which answers the daemon itself. front.sh does the same in
 * less time; this is for a host on which the program goes by itself.
 */
export async function start(): Promise<void> {
  const stdio: ("ignore" | "pipe" | number)[] = [0, 1, 2, "ignore"];
  stdio[TOLD_FD] = "pipe";
  const room = fs.existsSync(standbyFolder(DEFAULT_SOCKET_DIR)) ? [COMMAND_LINE_ROOM] : [];
  const env = { ...process.env, ...SERVER_ENV, [DAEMON_VARIABLE]: String(process.ppid) };
  const server = bun.spawn([...selfCommand(), ...process.argv.slice(2), ...room], {
    detached: true,
    stdio,
    env,
  });
  server.unref();
  const told = await bun.file(Number(server.stdio[TOLD_FD])).text();
  if (told === Told.ready) return;
  if (told === Told.failed) process.exit(1);
  throw new StatusError(StatusCode.unavailable, "the server ended before it served");
}

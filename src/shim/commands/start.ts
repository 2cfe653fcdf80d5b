import fs from "node:fs";
import { bun } from "../bun.ts";
import { selfCommand } from "../self.ts";
import { standbyFolder } from "../standby/folder.ts";
import { COMMAND_LINE_ROOM, READY, READY_FD } from "./ready.ts";
import { SERVER_ENV } from "./server-env.ts";
import { DEFAULT_SOCKET_DIR } from "./socket-address.ts";

/**
 * The `start` command: launches the server in a session of its own, with its own stdin, stdout and stderr, and ends as
 * the server says it shall. All else is the server's work, which answers the daemon itself. front.sh does the same in
 * less time; this is for a host on which the program goes by itself.
 */
export async function start(): Promise<void> {
  const stdio: ("ignore" | "pipe" | number)[] = [0, 1, 2, "ignore"];
  stdio[READY_FD] = "pipe";
  const daemon = String(process.ppid);
  const room = fs.existsSync(standbyFolder(DEFAULT_SOCKET_DIR)) ? COMMAND_LINE_ROOM : "";
  const command = [...selfCommand(), ...process.argv.slice(2), daemon + room];
  const server = bun.spawn(command, { detached: true, stdio, env: { ...process.env, ...SERVER_ENV } });
  server.unref();
  const told = await bun.file(Number(server.stdio[READY_FD])).text();
  if (told !== READY) process.exit(1);
}

import "./without-long.ts";
import fs from "node:fs";
import path from "node:path";
import { StatusError } from "../base/status.ts";
import { DAEMON_VARIABLE, Told, tellStart } from "./commands/ready.ts";
import { type Flags, parseFlags, usageError } from "./flags.ts";
import { revision, version } from "./version.ts";

/** The daemon's pid, where this process is the server that `start` has launched; else empty. */
const daemonPid = process.env[DAEMON_VARIABLE] ?? "";

/** The name by which front.sh was called, or this program: also `containerd-shim-runc-v2`, where it takes that one's place. */
const programName = path.basename(process.env.EBB_CALLED_AS || process.execPath);

/** What `start` hands on, and what shells add by themselves: nothing for those whom this program starts. */
const OF_START = ["EBB_CALLED_AS", DAEMON_VARIABLE, "PWD", "OLDPWD", "SHLVL", "_"];

if (process.env.EBB_CALLED_AS || daemonPid !== "") for (const name of OF_START) delete process.env[name];

/** What is printed where the daemon reads it: one line about what went wrong, exit status 1. */
function fail(thrown: unknown): never {
  fs.writeSync(2, `${programName}: ${StatusError.from(thrown).message}\n`);
  endStart(Told.failed);
  process.exit(1);
}

/** Has the `start` that has launched this process end, if any has and waits. */
function endStart(how: Told): void {
  if (daemonPid === "") return;
  try {
    tellStart(how);
  } catch {
    // It was killed.
  }
}

/** Does what the flags ask for. Each command's code is loaded only when it is asked for: start time counts. */
async function run(flags: Flags): Promise<void> {
  if (flags.version) {
    fs.writeSync(1, `${programName}:\n  Version:  ${version}\n  Revision: ${revision}\n`);
    return;
  }
  if (flags.action === "hold") return (await import("./commands/hold.ts")).hold();
  if (flags.action === "syncfs") return (await import("./commands/syncfs.ts")).syncfs();
  if (flags.info) return (await import("./commands/info.ts")).info();
  switch (flags.action) {
    case "start":
      if (daemonPid === "") return (await import("./commands/start.ts")).start();
      return (await import("./commands/serve.ts")).serve(flags, Number(daemonPid));
    case "delete":
      return (await import("./commands/delete.ts")).deleteDead(flags);
    case "":
      throw usageError("the command is missing");
    default:
      throw usageError(`unknown command ${flags.action}`);
  }
}

/** The program that containerd runs. */
async function main(): Promise<void> {
  const flags = parseFlags(process.argv.slice(2));
  await run(flags);
  endStart(Told.ready);
  // It must not wait for what still runs.
  process.exit(0);
}

main().catch(fail);

import { Command, CommanderError } from "commander";
import type { AddCommand } from "./command.ts";
import { addCompletion } from "./completion-command.ts";
import { addDoctor } from "./doctor-command.ts";
import { addEvents } from "./events-command.ts";
import { addExec } from "./exec-command.ts";
import { ExitStatus, UsageError } from "./exit-status.ts";
import { addImages } from "./images-command.ts";
import { addInfo } from "./info-command.ts";
import { addKill } from "./kill-command.ts";
import { addLoad } from "./load-command.ts";
import { addLogs } from "./logs-command.ts";
import { packageInfo } from "./package-info.ts";
import { addPause } from "./pause-command.ts";
import { addPending } from "./pending-command.ts";
import { addPs } from "./ps-command.ts";
import { addPull } from "./pull-command.ts";
import { addRm } from "./rm-command.ts";
import { addRmi } from "./rmi-command.ts";
import { addRun } from "./run-command.ts";
import { addStats } from "./stats-command.ts";
import { addStop } from "./stop-command.ts";
import { addSupervise } from "./supervise-command.ts";
import { addWait } from "./wait-command.ts";

/** The commands, in the order in which the help has them. */
const COMMANDS: readonly AddCommand[] = [
  ...[addRun, addPs, addExec, addLogs, addStop, addKill, addRm, addPause, addWait, addStats, addEvents],
  ...[addPull, addLoad, addImages, addRmi],
  ...[addPending, addInfo, addDoctor, addCompletion, addSupervise],
];

/** Runs the command line; resolves to the exit status. What is wrong with it is told on stderr. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  let status = 0;
  const program = commands((result) => {
    status = result;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : ExitStatus.usage;
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`ebb: ${error.message}\n`);
    return ExitStatus.usage;
  }
}

function commands(done: (status: number) => void): Command {
  const program = new Command("ebb")
    .description(
      "Runs containers by any containerd runtime-v2 shim, without a daemon; shows what ebb's shims still release.",
    )
    .version(packageInfo().version, "-v, --version")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "ebb: ")) })
    .showHelpAfterError("(ebb --help and ebb COMMAND --help say more)");
  for (const add of COMMANDS) add(program, done);
  return program;
}

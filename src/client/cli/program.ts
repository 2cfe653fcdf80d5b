import { Command, CommanderError } from "commander";
import { COMMANDS, type CommandFile } from "./commands.ts";
import { ExitStatus, UsageError } from "./exit-status.ts";
import { packageInfo } from "./package-info.ts";

/** Runs the command line; resolves to the exit status. What is wrong with it is told on stderr. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  let status = 0;
  const program = emptyProgram();
  try {
    for (const { load } of wantedBy(argv)) {
      (await load())(program, (result) => {
        status = result;
      });
    }
    await program.parseAsync([...argv], { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : ExitStatus.usage;
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`ebb: ${error.message}\n`);
    return ExitStatus.usage;
  }
}

/** Only the file of the command that is called is loaded, as that takes longer than most commands; for help all are. */
function wantedBy([name = ""]: readonly string[]): readonly CommandFile[] {
  const wanted = COMMANDS.filter((file) => file.names.includes(name) && !file.needsAll);
  return wanted.length > 0 ? wanted : COMMANDS;
}

function emptyProgram(): Command {
  return new Command("ebb")
    .description(
      "Runs containers by any containerd runtime-v2 shim, without a daemon; shows what ebb's shims still release.",
    )
    .version(packageInfo().version, "-v, --version")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "ebb: ")) })
    .showHelpAfterError("(ebb --help and ebb COMMAND --help say more)");
}

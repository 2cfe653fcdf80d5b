import { Command, CommanderError } from "commander";
import { resolveShimBinary } from "../shim-binary.ts";
import { ExitStatus, UsageError } from "./exit-status.ts";
import { describeShim } from "./info-command.ts";
import { packageInfo } from "./package-info.ts";
import { PENDING_HELP, type PendingFlags, showPending } from "./pending-command.ts";
import { runInForeground } from "./run-command.ts";
import { checkRunFlags, DEFAULT_STATE_DIR, type RunFlags, requireRoot, stateDir } from "./run-options.ts";

const RUN_EXAMPLES = `
The exit status is the container's. 125: ebb or the shim failed; 126: the command may not be executed;
127: the command does not exist; 128+n: ended by signal n; 1: the command line is wrong.
SIGINT, SIGTERM, SIGHUP, SIGQUIT and others go to the container's init; the third that asks for the end
arrives as SIGKILL.

Examples:
  ebb run --rootfs ./alpine -- sh -c 'echo hello from $(hostname)'
  ebb run --rootfs ./alpine --runtime io.containerd.runc.v2 --env LANG=C -- ls -l /
  tar c src | ebb run --rootfs ./alpine --name build -- tar x -C /tmp

Environment:
  EBB_STATE  directory of bundles, sockets and writable layers (${DEFAULT_STATE_DIR})`;

/** The runtime that is used where none is named: ebb's own shim, from PATH or as it was built here. */
function defaultRuntime(): string {
  try {
    return resolveShimBinary("io.containerd.ebb.v2");
  } catch {
    return packageInfo().shim ?? "io.containerd.ebb.v2";
  }
}

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
  addRun(program, done);
  addInfo(program, done);
  addPending(program, done);
  return program;
}

function addRun(program: Command, done: (status: number) => void): void {
  program
    .command("run")
    .summary("run a command in a container")
    .description(
      "Runs a command in a new container over a root file system, which stays as it is: writes go to a layer\n" +
        "that is removed with the container. stdin, stdout and stderr are the container's.",
    )
    .argument("<command...>", "program in the container and its arguments")
    .requiredOption("--rootfs <dir>", "directory with the root file system")
    .option("--runtime <shim>", "shim: a path, io.containerd.NAME.vN, or a program in PATH", defaultRuntime())
    .option("--name <id>", "the container's id (default: a random one)")
    .option("--env <name=value>", "environment variable; may be given more than once", collect)
    .option("--cwd <dir>", "working directory in the container", "/")
    .option("--read-only", "the container may not write to its root file system")
    .option("--namespace <name>", "containerd namespace", "default")
    .option("--shim-log", "show what the shim logs, debug lines included, on stderr")
    .passThroughOptions()
    .addHelpText("after", RUN_EXAMPLES)
    .action(async (args: string[], flags: RunFlags) => {
      // Flags behind the command are the command's, so one that is not known counts as its first word.
      if (args[0]?.startsWith("-")) throw new UsageError(`unknown option ${args[0]}`);
      requireRoot("ebb run");
      done(await runInForeground(checkRunFlags(flags), args, stateDir()));
    });
}

function addInfo(program: Command, done: (status: number) => void): void {
  program
    .command("info")
    .summary("show what a shim says about itself")
    .option("--runtime <shim>", "shim: a path, io.containerd.NAME.vN, or a program in PATH", defaultRuntime())
    .addHelpText("after", "\nExample:\n  ebb info --runtime io.containerd.runc.v2")
    .action(async ({ runtime }: { runtime: string }) => {
      process.stdout.write(`${await describeShim(shimOf(runtime))}\n`);
      done(0);
    });
}

function addPending(program: Command, done: (status: number) => void): void {
  program
    .command("pending")
    .summary("show which deleted containers' data is still being written out")
    .description(
      "Lists the root file systems of this host that have been unmounted and whose unwritten data the kernel " +
        "still writes out, with the helper process that waits for it, the oldest first.",
    )
    .option("--json", "print one JSON document: an array, empty where nothing is pending")
    .option("--stack", "show where in the kernel each helper is, innermost function first")
    .addHelpText("after", PENDING_HELP)
    .action(async (flags: PendingFlags) => done(await showPending(flags)));
}

function shimOf(runtime: string): string {
  try {
    return resolveShimBinary(runtime);
  } catch (error) {
    throw new UsageError(`--runtime: ${(error as Error).message}`);
  }
}

function collect(word: string, words: string[] = []): string[] {
  return [...words, word];
}

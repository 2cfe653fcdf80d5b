import { randomBytes } from "node:crypto";
import type { Ending } from "../daemon/status.ts";
import { endingFromWire } from "../daemon/wire.ts";
import type { StdioPaths } from "../stdio.ts";
import { type AttachedProcess, runAttached } from "./attached.ts";
import type { WindowSize } from "./caller-terminal.ts";
import { type AddCommand, collect } from "./command.ts";
import { statusOfFailure, UsageError } from "./exit-status.ts";
import { tellError } from "./interruptible.ts";
import { newPipesDirectory } from "./pipes.ts";
import { print } from "./print.ts";
import { wantsStdin } from "./run-options.ts";
import { requireRoot, stateDir } from "./state-dir.ts";
import { idOf, SupervisorLink } from "./supervisor-link.ts";
import { readDirectory, readUser, readVariable } from "./values.ts";

const EXEC_HELP = `
The exit status is the command's. 125: ebb or the shim failed; 126: the command may not be executed;
127: the command does not exist; 128+n: ended by signal n; 1: the command line is wrong.

Examples:
  ebb exec -it web sh
  ebb exec -u nobody -e LANG=C -w /www web ls -l
  ebb exec web cat /etc/passwd | wc -l
  ebb exec -d web touch /tmp/made`;

interface ExecFlags {
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly detach?: boolean;
  readonly user?: string;
  readonly env?: readonly string[];
  readonly cwd?: string;
}

/** What is to be run in a container. */
interface NewExec {
  readonly id: string;
  readonly execId: string;
  readonly args: string[];
  readonly env: string[];
  readonly cwd: string;
  readonly user: string;
  readonly terminal: boolean;
}

/** Puts `ebb exec` into the program. */
export const addExec: AddCommand = (program, done) => {
  program
    .command("exec")
    .summary("run a command in a container that runs")
    .description("Runs one more program in a container. What is piped in is its stdin.")
    .argument("<container>", "its id, or a beginning of it that no other has")
    .argument("<command...>", "program in the container and its arguments")
    .option("-i, --interactive", "hand over the keys of a terminal, too")
    .option("-t, --tty", "give it a terminal")
    .option("-d, --detach", "let it run by itself")
    .option(
      "-u, --user <user>",
      "user in the container: NAME[:GROUP] or UID[:GID] (default: the container's)",
    )
    .option("-e, --env <name=value>", "environment variable, or the NAME of one of ours; repeatable", collect)
    .option("-w, --cwd <dir>", "working directory in the container (default: the container's)")
    .passThroughOptions()
    .addHelpText("after", EXEC_HELP)
    .action(async (container: string, args: string[], flags: ExecFlags) => {
      // Flags behind the container are the command's, so one that is not known counts as the container.
      if (container.startsWith("-")) throw new UsageError(`unknown option ${container}`);
      requireRoot("ebb exec");
      done(await exec(container, args, flags));
    });
};

async function exec(container: string, args: string[], flags: ExecFlags): Promise<number> {
  const { detach = false, tty = false } = flags;
  if (detach && flags.interactive) throw new UsageError("--interactive has no meaning with --detach");
  const stdin = !detach && wantsStdin(flags);
  const settings = { ...readFlags(flags), args, terminal: tty };
  const directory = stateDir();
  let link: SupervisorLink | undefined;
  try {
    link = await SupervisorLink.open();
    const id = await idOf(link, container);
    const target = new ExecProcess(link, {
      ...settings,
      id,
      execId: `exec-${randomBytes(6).toString("hex")}`,
    });
    if (detach) return await target.detach();
    const pipes = await newPipesDirectory(directory);
    return await runAttached(target, { stdin, terminal: tty, program: args[0] ?? "", pipes });
  } catch (error) {
    tellError(error);
    return statusOfFailure(error, args[0] ?? "");
  } finally {
    link?.close();
  }
}

function readFlags(flags: ExecFlags): Pick<NewExec, "env" | "cwd" | "user"> {
  const env = (flags.env ?? []).map((word) => readVariable(word));
  return {
    env: env.filter((word) => word !== undefined),
    cwd: flags.cwd === undefined ? "" : readDirectory("--cwd", flags.cwd),
    user: flags.user === undefined ? "" : readUser(flags.user),
  };
}

/** A further process of a container, by the supervisor. */
class ExecProcess implements AttachedProcess {
  readonly #link: SupervisorLink;
  readonly #exec: NewExec;
  #stdio: Partial<StdioPaths> = {};

  constructor(link: SupervisorLink, exec: NewExec) {
    this.#link = link;
    this.#exec = exec;
  }

  /** The supervisor adds and starts it in one. */
  async create(stdio: StdioPaths): Promise<void> {
    this.#stdio = stdio;
  }

  async start(): Promise<void> {
    await this.#link.calls.exec({ ...this.#exec, stdio: this.#stdio });
  }

  async wait(): Promise<Ending> {
    return endingFromWire(await this.#link.persist((calls) => calls.wait(this.#name)));
  }

  async kill(signal: number): Promise<void> {
    await this.#link.calls.kill({ ...this.#name, signal });
  }

  async resize(size: WindowSize): Promise<void> {
    await this.#link.calls.resizePty({ ...this.#name, ...size });
  }

  async closeStdin(): Promise<void> {
    await this.#link.calls.closeStdin(this.#name);
  }

  /** The supervisor forgets it by itself. */
  async settle(): Promise<void> {}

  async detach(): Promise<number> {
    await this.start();
    return print(this.#exec.execId);
  }

  get #name(): { id: string; execId: string } {
    const { id, execId } = this.#exec;
    return { id, execId };
  }
}

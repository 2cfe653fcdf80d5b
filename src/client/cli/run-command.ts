import { hasCode, StatusCode, StatusError } from "../../base/status.ts";
import type { Container } from "../container.ts";
import { runContainer } from "../container-run.ts";
import type { StdioOptions } from "../stdio.ts";
import { type AddCommand, collect, defaultRuntime, RUNTIME_FLAG } from "./command.ts";
import { ExitStatus, statusOfFailure, UsageError } from "./exit-status.ts";
import { openOutput } from "./output.ts";
import {
  type CheckedRun,
  checkRunFlags,
  DEFAULT_STATE_DIR,
  type RunFlags,
  requireRoot,
  stateDir,
} from "./run-options.ts";
import { forwardSignals, signalNumber } from "./signals.ts";

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

/** Puts `ebb run` into the program. */
export const addRun: AddCommand = (program, done) => {
  program
    .command("run")
    .summary("run a command in a container")
    .description(
      "Runs a command in a new container over a root file system, which stays as it is: writes go to a layer\n" +
        "that is removed with the container. stdin, stdout and stderr are the container's.",
    )
    .argument("<command...>", "program in the container and its arguments")
    .requiredOption("--rootfs <dir>", "directory with the root file system")
    .option(...RUNTIME_FLAG, defaultRuntime())
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
};

/**
 * Runs a container in the foreground: its streams are this process's, signals reach its init, and the result
 * is the exit status for this process. Failures are told on stderr.
 */
async function runInForeground(run: CheckedRun, args: readonly string[], stateDir: string): Promise<number> {
  const foreground = new Foreground();
  const stop = forwardSignals({
    forward: (signal) => foreground.kill(signal),
    abort: (name) => foreground.end(ExitStatus.signal + signalNumber(name)),
    running: () => foreground.starting,
  });
  try {
    const { exitStatus } = await runContainer({
      runtime: run.runtime,
      namespace: run.namespace,
      id: run.id,
      stateDir,
      rootfs: { kind: "overlay", lower: run.rootfs },
      spec: { args, env: run.env, cwd: run.cwd, readOnly: run.readOnly },
      stdio: foreground.stdio,
      signal: foreground.aborted,
      onStep: ({ name }) => {
        if (name === "start") foreground.starting = true;
      },
      onStarted: (container) => foreground.started(container),
      ...(run.shimLog ? { debug: true, onLog: (line: string) => void foreground.tell(line) } : {}),
    });
    return foreground.status ?? exitStatus;
  } catch (error) {
    if (foreground.status !== undefined) return foreground.status;
    await foreground.tell(`ebb: ${messageOf(error)}`);
    return statusOfFailure(error, args[0] ?? "");
  } finally {
    stop();
    foreground.close();
  }
}

/** The running container as this process sees it, and what has been decided about its end. */
class Foreground {
  /** The container's program may run by now: signals are for it, even if they have to wait until it is sure. */
  starting = false;
  /** The exit status that is certain already, whatever the container's is. */
  status: number | undefined;
  #container: Pick<Container, "kill"> | undefined;
  #waiting: number[] = [];
  readonly #abort = new AbortController();
  readonly #stdout = openOutput(1);
  readonly #stderr = openOutput(2);

  readonly stdio: StdioOptions = {
    stdin: process.stdin,
    stdout: (data) => this.#stdout.write(data),
    stderr: (data) => this.#stderr.write(data),
    onFailure: (error, stream) => this.#streamFailed(error, stream),
  };

  /** Ends the run where there is no container that could be told. */
  get aborted(): AbortSignal {
    return this.#abort.signal;
  }

  /** Writes a line for the user; where nobody reads it, nothing can be done about it. */
  async tell(line: string): Promise<void> {
    await this.#stderr.write(Buffer.from(`${line}\n`)).catch(() => {});
  }

  /** The container's program runs: it gets the signals that have waited for that. */
  started(container: Pick<Container, "kill">): void {
    this.#container = container;
    for (const signal of this.#waiting) this.kill(signal);
    this.#waiting = [];
  }

  /** Passes a signal on. A SIGKILL waits for no start: where there is no container yet, it ends the run. */
  kill(signal: number): void {
    const kill = signalNumber("SIGKILL");
    if (this.#container !== undefined) void this.#kill(this.#container, signal);
    else if (signal === kill) this.end(ExitStatus.signal + kill);
    else this.#waiting.push(signal);
  }

  /** Ends the run with this exit status: by a kill where the container runs, else at once. */
  end(status: number): void {
    this.status ??= status;
    if (this.#container !== undefined) void this.#kill(this.#container, signalNumber("SIGKILL"));
    else this.#abort.abort(new StatusError(StatusCode.cancelled, "interrupted"));
  }

  /** A signal that finds no process any more has come too late, and that is well. */
  async #kill(container: Pick<Container, "kill">, signal: number): Promise<void> {
    try {
      await container.kill(signal);
    } catch (error) {
      if (!hasCode(error, StatusCode.notFound)) await this.tell(`ebb: signal ${signal}: ${messageOf(error)}`);
    }
  }

  close(): void {
    this.#stdout.close();
    this.#stderr.close();
    process.stdin.destroy();
  }

  #streamFailed(error: unknown, stream: string): void {
    // The container would end by a SIGPIPE if the pipe were its own.
    if ((error as NodeJS.ErrnoException).code === "EPIPE") {
      if (stream !== "stdin") this.end(ExitStatus.signal + signalNumber("SIGPIPE"));
      return;
    }
    void this.tell(`ebb: ${stream}: ${messageOf(error)}`);
    if (stream !== "stdin") this.end(ExitStatus.failure);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

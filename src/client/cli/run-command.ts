import { hasCode, StatusCode, StatusError } from "../../base/status.ts";
import type { Container } from "../container.ts";
import { runContainer } from "../container-run.ts";
import type { StdioOptions } from "../stdio.ts";
import { ExitStatus, statusOfFailure } from "./exit-status.ts";
import { openOutput } from "./output.ts";
import type { CheckedRun } from "./run-options.ts";
import { forwardSignals, signalNumber } from "./signals.ts";

/**
 * Runs a container in the foreground: its streams are this process's, signals reach its init, and the result
 * is the exit status for this process. Failures are told on stderr.
 */
export async function runInForeground(
  run: CheckedRun,
  args: readonly string[],
  stateDir: string,
): Promise<number> {
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

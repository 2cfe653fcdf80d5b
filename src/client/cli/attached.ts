import { abortable } from "../../base/deadline.ts";
import { hasCode, StatusCode, StatusError } from "../../base/status.ts";
import type { Ending } from "../daemon/status.ts";
import { ContainerStdio, type StdioOptions, type StdioPaths } from "../stdio.ts";
import { CallerTerminal, type WindowSize } from "./caller-terminal.ts";
import { ExitStatus, statusOfFailure } from "./exit-status.ts";
import { openOutput } from "./output.ts";
import { forwardSignals, signalNumber } from "./signals.ts";

/** How long output may stay away after the end before its own end is no longer awaited, in milliseconds. */
const QUIET_MS = 2_000;

/** A process in a container, a container's first one or another, that is made with streams of ours. */
export interface AttachedProcess {
  /** Makes it as far as that it has only to be started. */
  create(stdio: StdioPaths): Promise<void>;
  start(): Promise<void>;
  wait(): Promise<Ending>;
  kill(signal: number): Promise<void>;
  resize(size: WindowSize): Promise<void>;
  closeStdin(): Promise<void>;
  /** Removes what is to be removed after its end, or after a failure or an abort before its start. */
  settle(ended: boolean): Promise<void>;
}

/** How a process is attached to. */
export interface AttachOptions {
  /** Hands our stdin to it. */
  readonly stdin: boolean;
  /** It has a terminal of its own, which is ours for that time. */
  readonly terminal: boolean;
  /** What it runs, for telling what failed. */
  readonly program: string;
  /** A directory for its pipes, which is made and removed. */
  readonly pipes: string;
}

/**
 * Runs a process whose streams are this process's, and whom our signals reach. Resolves to the exit status for this
 * process: its own, or that of a failure, which is told on stderr.
 */
export async function runAttached(target: AttachedProcess, options: AttachOptions): Promise<number> {
  const attachment = new Attachment(target, options);
  const stop = forwardSignals({
    forward: (signal) => attachment.kill(signal),
    abort: (name) => attachment.end(ExitStatus.signal + signalNumber(name)),
    running: () => attachment.starting,
  });
  try {
    const { exitStatus } = await attachment.run();
    return attachment.status ?? exitStatus;
  } catch (error) {
    if (attachment.status !== undefined) return attachment.status;
    attachment.terminal.giveBack();
    await attachment.tell(`ebb: ${StatusError.from(error).message}`);
    return statusOfFailure(error, options.program);
  } finally {
    stop();
    attachment.close();
  }
}

/** The process as this one sees it, and what has been decided about its end. */
class Attachment {
  /** The program may run by now: signals are for it, even if they have to wait until it is sure. */
  starting = false;
  /** The exit status that is certain already, whatever the process's is. */
  status: number | undefined;
  readonly terminal = new CallerTerminal();
  readonly #target: AttachedProcess;
  readonly #options: AttachOptions;
  #running = false;
  #waiting: number[] = [];
  readonly #abort = new AbortController();
  readonly #stdout = openOutput(1);
  readonly #stderr = openOutput(2);

  constructor(target: AttachedProcess, options: AttachOptions) {
    this.#target = target;
    this.#options = options;
  }

  async run(): Promise<Ending> {
    const stdio = await ContainerStdio.open(this.#options.pipes, this.#streams());
    let ended = false;
    try {
      await this.#start(stdio);
      const ending = await this.#target.wait();
      ended = true;
      await stdio.drained(QUIET_MS, this.#abort.signal);
      return ending;
    } finally {
      this.terminal.giveBack();
      await this.#target.settle(ended).finally(() => stdio.close());
    }
  }

  /** Writes a line for the user; where nobody reads it, nothing can be done about it. */
  async tell(line: string): Promise<void> {
    await this.#stderr.write(Buffer.from(`${line}\n`)).catch(() => {});
  }

  /** Passes a signal on. A SIGKILL waits for no start: where nothing runs yet, it ends the run. */
  kill(signal: number): void {
    const kill = signalNumber("SIGKILL");
    if (this.#running) void this.#kill(signal);
    else if (signal === kill) this.end(ExitStatus.signal + kill);
    else this.#waiting.push(signal);
  }

  /** Ends the run with this exit status: by a kill where the process runs, else at once. */
  end(status: number): void {
    this.status ??= status;
    if (this.#running) void this.#kill(signalNumber("SIGKILL"));
    else this.#abort.abort(new StatusError(StatusCode.cancelled, "interrupted"));
  }

  close(): void {
    this.#stdout.close();
    this.#stderr.close();
    process.stdin.destroy();
  }

  #streams(): StdioOptions {
    const { stdin, terminal } = this.#options;
    return {
      ...(stdin && { stdin: process.stdin }),
      terminal,
      stdout: (data) => this.#stdout.write(data),
      stderr: (data) => this.#stderr.write(data),
      onFailure: (error, stream) => this.#streamFailed(error, stream),
    };
  }

  async #start(stdio: ContainerStdio): Promise<void> {
    const { signal } = this.#abort;
    signal.throwIfAborted();
    await abortable(this.#target.create(stdio.paths), signal);
    if (this.#options.terminal) this.#lendTerminal();
    this.#tellSize();
    stdio.feedStdin(() => this.#target.closeStdin().catch(unlessGone));
    this.starting = true;
    await abortable(this.#target.start(), signal);
    this.#running = true;
    // Some have a terminal only now.
    this.#tellSize();
    for (const waiting of this.#waiting) this.kill(waiting);
    this.#waiting = [];
  }

  #lendTerminal(): void {
    this.terminal.lend({ keys: this.#options.stdin, onResize: () => this.#tellSize() });
  }

  /** A size that comes too late, or too early, is followed by another. */
  #tellSize(): void {
    const { size } = this.terminal;
    if (this.#options.terminal && size !== undefined) this.#target.resize(size).catch(() => {});
  }

  /** A signal that finds no process any more has come too late, and that is well. */
  async #kill(signal: number): Promise<void> {
    try {
      await this.#target.kill(signal);
    } catch (error) {
      if (hasCode(error, StatusCode.notFound)) return;
      await this.tell(`ebb: signal ${signal}: ${StatusError.from(error).message}`);
    }
  }

  #streamFailed(error: unknown, stream: string): void {
    // The process would end by a SIGPIPE if the pipe were its own.
    if ((error as NodeJS.ErrnoException).code === "EPIPE") {
      if (stream !== "stdin") this.end(ExitStatus.signal + signalNumber("SIGPIPE"));
      return;
    }
    void this.tell(`ebb: ${stream}: ${StatusError.from(error).message}`);
    if (stream !== "stdin") this.end(ExitStatus.failure);
  }
}

/** What has ended reads no more, and that is well. */
function unlessGone(error: unknown): void {
  if (!hasCode(error, StatusCode.notFound)) throw error;
}

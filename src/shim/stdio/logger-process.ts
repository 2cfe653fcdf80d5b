import fs from "node:fs";
import { within } from "../../base/deadline.ts";
import { deferred } from "../../base/deferred.ts";
import type { Logger } from "../../base/logger.ts";
import { waitUntilNot } from "../../base/poll.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { type DescriptorReader, readDescriptor } from "../../linux/descriptor-reader.ts";
import { fsError } from "../../linux/errno.ts";
import { takeByte } from "../../linux/fifo.ts";
import { type CommandResult, runCommand } from "../../oci/command.ts";
import { own } from "../task/own.ts";
import { loggerCommand } from "./logger-command.ts";
import { LoggerPipes } from "./logger-pipes.ts";
import { closeChildFds, type Output, type OutputStream } from "./output.ts";
import { fieldsOf, type StdioHost, type StdioOwner } from "./stdio.ts";
import type { StdioUri } from "./stdio-uri.ts";

const { O_RDONLY, O_NONBLOCK, X_OK } = fs.constants;

/** Which program takes which streams. */
export interface LoggerPlan {
  readonly uri: StdioUri;
  readonly streams: readonly OutputStream[];
}

/** The program, running. */
interface Running {
  readonly host: StdioHost;
  readonly plan: LoggerPlan;
  readonly logger: Logger;
  readonly pipes: LoggerPipes;
  readonly ended: Promise<CommandResult>;
  readonly stop: AbortController;
}

/**
 * A program that takes a process's output (`binary://`, `binary-v2://`): stdout on its descriptor 3, stderr on 4,
 * and on 5 a pipe by which it says that the process may start: it closes it, or writes a byte to it, as a
 * `binary-v2` has to.
 *
 * The process writes to the logger's pipes itself. The shim keeps the ends that the logger reads from, too: where
 * the logger dies, the process is to meet no broken pipe, and not to stand still. What it writes from then on is
 * dropped, and the log says so. A logger that lives and does not read holds up its process, and nobody else.
 */
export class LoggerProcess implements Output {
  readonly childFds: Output["childFds"];
  readonly #running: Running;
  readonly #ended: Promise<void>;
  readonly #kept: readonly number[];
  #dropping: readonly DescriptorReader[] = [];
  #finishing = false;
  #runs = true;
  #closed: Promise<void> | undefined;

  /** Starts the program and waits until it is ready, at most to the limit; where that fails, it is ended. */
  static async start(host: StdioHost, plan: LoggerPlan, owner: StdioOwner): Promise<LoggerProcess> {
    await checkExecutable(plan.uri.path);
    const pipes = new LoggerPipes(host.libc.streams);
    try {
      await own([pipes.fd("stdout", "write"), pipes.fd("stderr", "write")], owner);
      const logger = new LoggerProcess(await run(host, plan, owner, pipes));
      host.libc.streams.setNonBlocking(pipes.fd("ready", "read"));
      await logger.#ready(readDescriptor(pipes.take("ready", "read")), host.settings.loggerReadyMs);
      return logger;
    } finally {
      pipes.close();
    }
  }

  private constructor(running: Running) {
    const { pipes, plan } = running;
    this.#running = running;
    this.#kept = [pipes.take("stdout", "read"), pipes.take("stderr", "read")];
    this.childFds = Object.fromEntries(plan.streams.map((stream) => [stream, pipes.take(stream, "write")]));
    this.#ended = running.ended.then(
      ({ exitCode, signal }) => this.#hasEnded({ exitCode, signal }),
      (err) => this.#hasEnded({ err }),
    );
  }

  /** Once it has had all output and has ended, or does not end by that: nothing is lost then by a SIGTERM. */
  async finished(): Promise<void> {
    this.#finishing = true;
    const { libc, settings } = this.#running.host;
    const isReading = () => this.#runs && !this.#kept.every((fd) => libc.streams.isAtEnd(fd));
    await waitUntilNot(isReading, Number.POSITIVE_INFINITY);
    await waitUntilNot(() => this.#runs, settings.loggerEndMs);
  }

  /** Ends the program where it still runs: SIGTERM, then SIGKILL. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#finishing = true;
    const { host, stop, logger, plan } = this.#running;
    const began = performance.now();
    stop.abort();
    await this.#ended;
    if (performance.now() - began >= host.settings.loggerStopMs) {
      logger.warn("the logger was killed: what it had not written out is lost", { logger: plan.uri.path });
    }
    for (const reader of this.#dropping) reader.close();
    for (const fd of this.#kept) fs.closeSync(fd);
  }

  async #ready(pipe: DescriptorReader, limitMs: number): Promise<void> {
    const { scheme, path } = this.#running.plan.uri;
    try {
      const said = await within(hasBytes(pipe), limitMs, `the start of logger ${path}`);
      if (said || scheme === "binary") return;
      throw new StatusError(StatusCode.failedPrecondition, `logger ${path} did not say that it is ready`);
    } catch (err) {
      closeChildFds([this]);
      await this.close();
      throw err;
    } finally {
      pipe.close();
    }
  }

  #hasEnded(how: Readonly<Record<string, unknown>>): void {
    this.#runs = false;
    const { logger, stop, plan } = this.#running;
    if (stop.signal.aborted) return;
    const fields = { logger: plan.uri.path, ...how };
    const isOver = this.#dropRest() || this.#finishing;
    if (!isOver) {
      logger.error(
        "the logger has ended before its process: what that writes from now on is dropped",
        fields,
      );
    } else if (how.exitCode !== 0) {
      logger.warn("the logger has failed: what it had not written out is lost", fields);
    } else {
      logger.debug("the logger has ended", fields);
    }
  }

  /**
   * Drops from now on what the process writes. Whether that is nothing, as it has ended and all was read: the end of a
   * short process may be told after that of its logger.
   */
  #dropRest(): boolean {
    try {
      const outputs = this.#kept.map((fd) => fs.openSync(`/proc/self/fd/${fd}`, O_RDONLY | O_NONBLOCK));
      const isOver = outputs.every((fd) => takeByte(fd) === 0);
      this.#dropping = outputs.map(readDescriptor);
      for (const reader of this.#dropping) void drop(reader);
      return isOver;
    } catch (err) {
      this.#running.logger.warn("what the process writes from now on cannot be dropped", { err });
      return false;
    }
  }
}

/** Starts the program. Resolves when it runs: it has its ends of the pipes then. */
async function run(
  host: StdioHost,
  plan: LoggerPlan,
  owner: StdioOwner,
  pipes: LoggerPipes,
): Promise<Running> {
  const stop = new AbortController();
  const spawned = deferred();
  const descriptors = [pipes.fd("stdout", "read"), pipes.fd("stderr", "read"), pipes.fd("ready", "write")];
  const ended = runCommand({
    ...loggerCommand(plan.uri, { namespace: host.namespace, id: owner.execId || owner.id }),
    stdio: ["ignore", "ignore", "ignore", ...descriptors],
    signal: stop.signal,
    timeoutMs: Number.POSITIVE_INFINITY,
    killGraceMs: host.settings.loggerStopMs,
    onSpawn: () => spawned.resolve(),
  });
  await Promise.race([spawned.promise, ended]);
  fs.closeSync(pipes.take("ready", "write"));
  const logger = host.logger.child(fieldsOf(owner));
  return { host, plan, logger, pipes, ended, stop };
}

async function checkExecutable(path: string): Promise<void> {
  try {
    await fs.promises.access(path, X_OK);
  } catch (thrown) {
    throw fsError(`run ${path}`, thrown);
  }
}

async function hasBytes(reader: DescriptorReader): Promise<boolean> {
  for await (const { length } of reader) if (length > 0) return true;
  return false;
}

/** So that whoever writes does not wait for a reader that is gone. */
async function drop(reader: DescriptorReader): Promise<void> {
  try {
    for await (const _ of reader);
  } finally {
    reader.close();
  }
}

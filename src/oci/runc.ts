import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { abortable, deadline } from "../base/deadline.ts";
import { fileSize, openText } from "../base/files.ts";
import type { JsonReader } from "../base/json.ts";
import { type Logger, nullLogger } from "../base/logger.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { type CommandResult, runCommand, type StdioTarget } from "./command.ts";
import { startInit, type WaitingInit } from "./exec-fifo.ts";
import { checkId } from "./id.ts";
import { isAborted } from "./kept-state.ts";
import { MAKING } from "./making.ts";
import { removeEnded } from "./remove-ended.ts";
import * as argv from "./runc-args.ts";
import { type RuncCommand, readLogErrors, runcError } from "./runc-error.ts";
import {
  listReader,
  parseVersion,
  psReader,
  type RuncState,
  type RuncStats,
  type RuncVersion,
  stateReader,
  statsReader,
} from "./runc-output.ts";
import { defaultRuncTimeouts, type RuncTimeouts } from "./runc-timeouts.ts";

/** Which OCI runtime, and how it is to be called. */
export interface RuncSettings {
  /** A path, or a name to be found in PATH. */
  readonly binary: string;
  /** Where it keeps the state of its containers; its own default where not given. */
  readonly root?: string;
  /** Its JSON log, an absolute path: errors are read from there. */
  readonly log?: string;
  readonly systemdCgroup?: boolean;
  readonly debug?: boolean;
  readonly timeouts?: Partial<RuncTimeouts>;
  readonly logger?: Logger;
}

/** How one call is to be run. */
export interface CallOptions {
  /** Kills the command, with its hooks where it makes something; the call rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Told the pid of the runtime's process, which is waited for here and nowhere else. */
  readonly onSpawn?: (pid: number) => void;
}

/** How a call is to be run whose descriptors become those of the container or exec. */
export interface StdioCallOptions extends CallOptions {
  /** As in {@link runCommand}; what the container is to write to must be a descriptor, not `capture`. */
  readonly stdio?: readonly StdioTarget[];
}

/** How a start is to be made. */
export interface StartOptions extends CallOptions {
  /** The init that waits for its start: where the runtime is called runc it goes on without that (`exec-fifo.ts`). */
  readonly waiting?: WaitingInit;
}

/** How a deletion is to be made. */
export interface DeleteOptions extends argv.DeleteOptions, CallOptions {
  /**
   * The pid of the init, which has ended: where the runtime is called runc, what is left of the container is removed
   * without it (`remove-ended.ts`).
   */
  readonly endedPid?: number;
}

/**
 * An OCI runtime (runc, crun) as a set of calls. Every call has its own time limit; a failed one is a
 * StatusError `OCI runtime <command> failed: <what the runtime said>` with a code of its own where the text is
 * known (`runc-error.ts`), `unknown` where not, `deadlineExceeded` past the limit (the runtime is killed then,
 * and what it was making may be left half made: `delete` with force takes it away), `failedPrecondition` where
 * there is no such binary.
 */
export class Runc {
  readonly binary: string;
  readonly #settings: RuncSettings;
  readonly #timeouts: RuncTimeouts;
  readonly #logger: Logger;

  constructor(settings: RuncSettings) {
    this.binary = settings.binary;
    this.#settings = settings;
    this.#timeouts = { ...defaultRuncTimeouts, ...settings.timeouts };
    this.#logger = settings.logger ?? nullLogger;
  }

  /** The same runtime with a log of its own, for calls that run at the same time as others. */
  withLog(log: string): Runc {
    return new Runc({ ...this.#settings, log });
  }

  /** Makes a container from a bundle; its init waits for {@link start}. */
  async create(id: string, options: argv.CreateOptions & StdioCallOptions): Promise<void> {
    await this.#run("create", argv.createArgs(id, options), { ...options, id });
  }

  /** Runs the user's program. */
  async start(id: string, { waiting, ...options }: StartOptions = {}): Promise<void> {
    const callRuntime = (stop?: AbortSignal) => {
      const signals = [options.signal, stop].filter((signal) => signal !== undefined);
      return this.#run("start", argv.startArgs(id), { ...options, signal: AbortSignal.any(signals), id });
    };
    const stateDirectory = this.#stateDirectory(id);
    if (stateDirectory === undefined || waiting === undefined) return void (await callRuntime());
    const { signal } = options;
    const begun = performance.now();
    if (!(await startInit({ stateDirectory, init: waiting, signal, callRuntime }))) return;
    this.#logger.debug("start without the OCI runtime", { id, durationMs: performance.now() - begun });
  }

  /** Makes, runs and, unless detached, waits for and removes a container; the result has its exit code. */
  async run(id: string, options: argv.RunOptions & StdioCallOptions): Promise<CommandResult> {
    return await this.#call("run", argv.runArgs(id, options), { ...options, id });
  }

  /** Sends a signal by number. `notFound` where the container is not there or has ended. */
  async kill(id: string, signal: number, options: argv.KillOptions & CallOptions = {}): Promise<void> {
    const { all, ...call } = options;
    await this.#run("kill", argv.killArgs(id, signal, all === undefined ? {} : { all }), { ...call, id });
  }

  /** Removes a container. `notFound` where there is none, unless forced. */
  async delete(id: string, { endedPid, ...options }: DeleteOptions = {}): Promise<void> {
    const begun = performance.now();
    if (endedPid === undefined || !(await this.#removeEnded(id, endedPid))) {
      await this.#run("delete", argv.deleteArgs(id, options), { ...options, id });
      return;
    }
    this.#logger.debug("delete without the OCI runtime", { id, durationMs: performance.now() - begun });
  }

  /** Whether it keeps anything of a container, be it half made; false where it is not known where that would be. */
  isKnown(id: string): boolean {
    const { root } = this.#settings;
    return root !== undefined && fs.existsSync(path.join(root, checkId(id)));
  }

  /** Whether it was ended while it made a container, as far as is known where that is written down: by runc. */
  isAborted(id: string): boolean {
    const stateDirectory = this.#stateDirectory(id);
    return stateDirectory !== undefined && isAborted(stateDirectory);
  }

  /** As far as a deletion can be made without the runtime, and as long as one may take. */
  async #removeEnded(id: string, pid: number): Promise<boolean> {
    const stateDirectory = this.#stateDirectory(id);
    if (stateDirectory === undefined) return false;
    const { systemdCgroup = false } = this.#settings;
    const { signal, cleanup } = deadline(this.#timeouts.delete, `the removal of what runc keeps of ${id}`);
    try {
      return await abortable(removeEnded({ stateDirectory, pid, systemdCgroup, signal }), signal);
    } finally {
      cleanup();
    }
  }

  /** What the runtime knows of a container; `notFound` where it does not. */
  async state(id: string, options: CallOptions = {}): Promise<RuncState> {
    return await this.#json("state", argv.stateArgs(id), stateReader, { ...options, id });
  }

  /** All containers under this root. */
  async list(options: CallOptions = {}): Promise<RuncState[]> {
    return (await this.#json("list", argv.listArgs(), listReader, options)) ?? [];
  }

  /** The pids, on the host, of a container's processes; none once it is stopped. */
  async ps(id: string, options: CallOptions = {}): Promise<number[]> {
    return (await this.#json("ps", argv.psArgs(id), psReader, { ...options, id })) ?? [];
  }

  /** Freezes a container. */
  async pause(id: string, options: CallOptions = {}): Promise<void> {
    await this.#run("pause", argv.pauseArgs(id), { ...options, id });
  }

  /** Thaws a container. */
  async resume(id: string, options: CallOptions = {}): Promise<void> {
    await this.#run("resume", argv.resumeArgs(id), { ...options, id });
  }

  /** Changes resource limits; `resources` is the OCI LinuxResources object as JSON text. */
  async update(id: string, resources: string, options: CallOptions = {}): Promise<void> {
    const { log } = this.#settings;
    const stdin = openText(log === undefined ? os.tmpdir() : path.dirname(log), resources);
    try {
      const stdio = [stdin, "capture", "capture"] as const;
      await this.#run("update", argv.updateArgs(id, { resources: "-" }), { ...options, id, stdio });
    } finally {
      fs.closeSync(stdin);
    }
  }

  /** Runs another process in a container. */
  async exec(id: string, options: argv.ExecOptions & StdioCallOptions): Promise<CommandResult> {
    const args = argv.execArgs(id, options);
    // Attached, the exit code is that of the process; detached, it is the runtime's own.
    if (options.detach) return await this.#run("exec", args, { ...options, id });
    return await this.#call("exec", args, { ...options, id });
  }

  /** Writes a container's state to disk with criu. */
  async checkpoint(id: string, options: argv.CheckpointOptions & CallOptions): Promise<void> {
    await this.#run("checkpoint", argv.checkpointArgs(id, options), { ...options, id });
  }

  /** Makes a container from a checkpoint; with `detach`, returns once it runs. */
  async restore(id: string, options: argv.RestoreOptions & StdioCallOptions): Promise<void> {
    await this.#run("restore", argv.restoreArgs(id, options), { ...options, id });
  }

  /** A container's resource usage; `unimplemented` where the runtime has no such command (crun). */
  async stats(id: string, options: CallOptions = {}): Promise<RuncStats> {
    return await this.#json("events", argv.statsArgs(id), statsReader, { ...options, id });
  }

  /** What the runtime can do, as the JSON text that it prints; `unimplemented` where it cannot tell. */
  async features(options: CallOptions = {}): Promise<string> {
    return this.#output("features", await this.#run("features", argv.featuresArgs(), options));
  }

  /** The runtime's name and version. */
  async version(options: CallOptions = {}): Promise<RuncVersion> {
    const result = await this.#run("version", argv.versionArgs(), options);
    return parseVersion(this.#output("version", result), `${this.binary} --version`);
  }

  /** Where a runtime that is runc keeps a container's state. Those that are like it have names of their own. */
  #stateDirectory(id: string): string | undefined {
    const { root } = this.#settings;
    return root !== undefined && path.basename(this.binary) === "runc"
      ? path.join(root, checkId(id))
      : undefined;
  }

  async #json<T>(command: RuncCommand, args: string[], reader: JsonReader<T>, call: Call): Promise<T> {
    const result = await this.#run(command, args, call);
    return reader.parse(this.#output(command, result), `${this.binary} ${args.join(" ")}`);
  }

  #output(command: RuncCommand, { stdout, args }: CommandResult): string {
    if (!stdout.truncated) return stdout.text;
    const message = `OCI runtime ${command} failed: ${this.binary} ${args.join(" ")} printed too much to be read`;
    throw new StatusError(StatusCode.internal, message);
  }

  /** Runs a command that must succeed. */
  async #run(command: RuncCommand, args: string[], call: Call): Promise<CommandResult> {
    const { log } = this.#settings;
    const offset = log === undefined ? 0 : fileSize(log);
    const result = await this.#call(command, args, call);
    if (result.exitCode === 0) return result;
    const logErrors = log === undefined ? [] : readLogErrors(log, offset);
    throw runcError({ command, result, logErrors, ...(call.id !== undefined && { id: call.id }) });
  }

  /** Runs a command to its end, whatever its exit code. */
  async #call(command: RuncCommand, args: string[], call: Call): Promise<CommandResult> {
    const timeoutMs = this.#timeouts[command];
    const global = argv.globalArgs(definedGlobals(this.#settings));
    const { id, ...rest } = pickCall(call);
    const env = runtimeEnv(process.env);
    const result = await runCommand({
      file: this.binary,
      args: [...global, ...args],
      env,
      timeoutMs,
      killsDescendants: MAKING.has(command),
      ...rest,
    });
    const { pid, exitCode, signal, durationMs } = result;
    this.#logger.debug(`OCI runtime ${command}`, { id, runtimePid: pid, exitCode, signal, durationMs });
    if (!result.timedOut) return result;
    const about = id === undefined ? "" : ` (container ${id})`;
    const message = `OCI runtime ${command} failed: ${this.binary} took longer than ${timeoutMs} ms${about}`;
    throw new StatusError(StatusCode.deadlineExceeded, message);
  }
}

/** What a call hands to {@link runCommand}, and the container it is about. */
interface Call extends StdioCallOptions {
  readonly id?: string;
}

/** A call without the options that went into its arguments. */
function pickCall({ id, stdio, signal, onSpawn }: Call): Call {
  return {
    ...(id !== undefined && { id }),
    ...(stdio !== undefined && { stdio }),
    ...(signal !== undefined && { signal }),
    ...(onSpawn !== undefined && { onSpawn }),
  };
}

function definedGlobals({ root, log, debug, systemdCgroup }: RuncSettings): argv.GlobalOptions {
  return {
    ...(root !== undefined && { root }),
    ...(log !== undefined && { log }),
    ...(debug !== undefined && { debug }),
    ...(systemdCgroup !== undefined && { systemdCgroup }),
  };
}

/**
 * The environment for the runtime: ours without systemd's variables, by which a runtime would take descriptors
 * or a readiness socket that are meant for us (sd_listen_fds(3), sd_notify(3)).
 */
function runtimeEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NOTIFY_SOCKET, LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES, ...rest } = env;
  return rest;
}

/**
 * The command lines of an OCI runtime, as data: nothing here runs anything. The spellings are those that both
 * runc 1.1 and crun 1.8 take, except where a function says that only runc has the command.
 */
import { StatusCode, StatusError } from "../base/status.ts";
import { checkId } from "./id.ts";

/** Options that come before the command. */
export interface GlobalOptions {
  /** Where the runtime keeps the state of its containers. */
  readonly root?: string;
  /** Where it logs, as an absolute path: crun opens it from within the bundle. */
  readonly log?: string;
  readonly debug?: boolean;
  readonly systemdCgroup?: boolean;
  /** Whether errors about cgroups are to be passed over. */
  readonly rootless?: boolean | "auto";
}

/** What `create`, `run` and `restore` have in common. */
interface BundleOptions {
  readonly bundle: string;
  /** Where the runtime writes the pid of the container's init. */
  readonly pidFile?: string;
  /** A unix socket that receives the master of the terminal. */
  readonly consoleSocket?: string;
  readonly noPivot?: boolean;
}

/** Options of {@link createArgs}. */
export interface CreateOptions extends BundleOptions {
  readonly noNewKeyring?: boolean;
  /** How many descriptors from 3 up the container keeps. */
  readonly preserveFds?: number;
}

/** Options of {@link runArgs}. */
export interface RunOptions extends CreateOptions {
  readonly detach?: boolean;
  readonly noSubreaper?: boolean;
}

/** Options of {@link killArgs}. */
export interface KillOptions {
  /** To every process of the container, not the init alone. */
  readonly all?: boolean;
}

/** Options of {@link deleteArgs}. */
export interface DeleteOptions {
  /** Kills the container first where it still runs; one that is not there is no error. */
  readonly force?: boolean;
}

/** Options of {@link execArgs}. */
export interface ExecOptions {
  /** A file with the OCI process to run. */
  readonly process: string;
  readonly pidFile?: string;
  readonly consoleSocket?: string;
  readonly detach?: boolean;
  readonly preserveFds?: number;
}

/** Options of {@link updateArgs}. */
export interface UpdateOptions {
  /** A file with the OCI resources; `-` is stdin. */
  readonly resources: string;
}

/** What `checkpoint` and `restore` have in common (criu's options). */
interface CriuOptions {
  readonly imagePath: string;
  readonly workPath?: string;
  readonly tcpEstablished?: boolean;
  readonly externalUnixSockets?: boolean;
  readonly shellJob?: boolean;
  readonly fileLocks?: boolean;
  readonly manageCgroupsMode?: "soft" | "full" | "strict";
  readonly emptyNamespaces?: readonly string[];
}

/** Options of {@link checkpointArgs}. */
export interface CheckpointOptions extends CriuOptions {
  readonly parentPath?: string;
  readonly leaveRunning?: boolean;
}

/** Options of {@link restoreArgs}. */
export interface RestoreOptions extends CriuOptions, BundleOptions {
  readonly detach?: boolean;
  readonly noSubreaper?: boolean;
}

/** The options before the command. Logs are JSON lines wherever there is a log. */
export function globalArgs({ root, log, debug, systemdCgroup, rootless }: GlobalOptions): string[] {
  return [
    ...value("--root", root),
    ...value("--log", log),
    ...(log === undefined ? [] : ["--log-format", "json"]),
    ...flag("--debug", debug),
    ...flag("--systemd-cgroup", systemdCgroup),
    ...value("--rootless", rootless),
  ];
}

/** Makes a container, whose init then waits for `start`. */
export function createArgs(id: string, options: CreateOptions): string[] {
  return ["create", ...createFlags(options), checkId(id)];
}

/** Runs the user's program in a container that was made. */
export function startArgs(id: string): string[] {
  return ["start", checkId(id)];
}

/** Makes a container, runs it, and removes it at its end unless detached. */
export function runArgs(id: string, options: RunOptions): string[] {
  const flags = [...flag("--detach", options.detach), ...flag("--no-subreaper", options.noSubreaper)];
  return ["run", ...createFlags(options), ...flags, checkId(id)];
}

/** Sends a signal by its number. */
export function killArgs(id: string, signal: number, { all }: KillOptions = {}): string[] {
  if (!Number.isInteger(signal) || signal < 1 || signal > 64) {
    throw new StatusError(StatusCode.invalidArgument, `signal ${signal} for ${id} is not one of 1 to 64`);
  }
  return ["kill", ...flag("--all", all), checkId(id), String(signal)];
}

/** Removes what the runtime keeps of a container. */
export function deleteArgs(id: string, { force }: DeleteOptions = {}): string[] {
  return ["delete", ...flag("--force", force), checkId(id)];
}

/** Prints a container's state as JSON. */
export function stateArgs(id: string): string[] {
  return ["state", checkId(id)];
}

/** Prints the states of all containers as a JSON array. */
export function listArgs(): string[] {
  return ["list", "--format", "json"];
}

/** Prints the pids of a container's processes as a JSON array. */
export function psArgs(id: string): string[] {
  return ["ps", "--format", "json", checkId(id)];
}

/** Freezes all processes of a container. */
export function pauseArgs(id: string): string[] {
  return ["pause", checkId(id)];
}

/** Thaws a paused container. */
export function resumeArgs(id: string): string[] {
  return ["resume", checkId(id)];
}

/** Changes a container's resource limits. */
export function updateArgs(id: string, { resources }: UpdateOptions): string[] {
  return ["update", "--resources", resources, checkId(id)];
}

/** Runs another process in a container. */
export function execArgs(id: string, options: ExecOptions): string[] {
  return [
    "exec",
    ...value("--process", options.process),
    ...value("--console-socket", options.consoleSocket),
    ...flag("--detach", options.detach),
    ...value("--pid-file", options.pidFile),
    ...value("--preserve-fds", options.preserveFds),
    checkId(id),
  ];
}

/** Writes a container's state to disk with criu. crun has it only where it was built with criu. */
export function checkpointArgs(id: string, options: CheckpointOptions): string[] {
  const own = [
    ...value("--parent-path", options.parentPath),
    ...flag("--leave-running", options.leaveRunning),
  ];
  return ["checkpoint", ...criuFlags(options), ...own, checkId(id)];
}

/** Makes a container from what `checkpoint` wrote. */
export function restoreArgs(id: string, options: RestoreOptions): string[] {
  const own = [...flag("--detach", options.detach), ...flag("--no-subreaper", options.noSubreaper)];
  return ["restore", ...bundleFlags(options), ...criuFlags(options), ...own, checkId(id)];
}

/** Prints a container's resource usage once, as JSON. runc only. */
export function statsArgs(id: string): string[] {
  return ["events", "--stats", checkId(id)];
}

/** Prints what the runtime can do, as JSON. runc 1.1 and later; crun 1.9 and later. */
export function featuresArgs(): string[] {
  return ["features"];
}

/** Prints the runtime's version, the first line being `<name> version <version>`. */
export function versionArgs(): string[] {
  return ["--version"];
}

function bundleFlags({ bundle, pidFile, consoleSocket, noPivot }: BundleOptions): string[] {
  return [
    ...value("--bundle", bundle),
    ...value("--pid-file", pidFile),
    ...value("--console-socket", consoleSocket),
    ...flag("--no-pivot", noPivot),
  ];
}

function createFlags(options: CreateOptions): string[] {
  return [
    ...bundleFlags(options),
    ...flag("--no-new-keyring", options.noNewKeyring),
    ...value("--preserve-fds", options.preserveFds),
  ];
}

function criuFlags(options: CriuOptions): string[] {
  return [
    ...value("--image-path", options.imagePath),
    ...value("--work-path", options.workPath),
    ...flag("--tcp-established", options.tcpEstablished),
    ...flag("--ext-unix-sk", options.externalUnixSockets),
    ...flag("--shell-job", options.shellJob),
    ...flag("--file-locks", options.fileLocks),
    ...value("--manage-cgroups-mode", options.manageCgroupsMode),
    ...(options.emptyNamespaces ?? []).flatMap((name) => ["--empty-ns", name]),
  ];
}

function flag(name: string, on: boolean | undefined): string[] {
  return on ? [name] : [];
}

function value(name: string, given: string | number | boolean | undefined): string[] {
  return given === undefined ? [] : [name, String(given)];
}

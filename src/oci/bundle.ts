import fs from "node:fs";
import path from "node:path";
import type { JSONSchema } from "json-schema-to-ts";
import { readTextFile, writeFileAtomically } from "../base/files.ts";
import { jsonReader } from "../base/json.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { bundlePaths, execPaths } from "./bundle-paths.ts";
import { optionsFromJson, optionsToJson, type RuncOptions } from "./options.ts";

/** The largest file of a bundle other than config.json and the log; real ones have less than a page. */
const MAX_FILE_BYTES = 64 << 10;
/** The largest pid that the kernel gives (PID_MAX_LIMIT, proc_sys_kernel(5)). */
const MAX_PID = 2 ** 22;

/**
 * The path of a bundle that a request names, checked: absolute and plain, else `invalidArgument`; there, else
 * `notFound`; a directory, else `invalidArgument`.
 */
export function checkBundle(bundle: string): string {
  if (!path.isAbsolute(bundle) || path.normalize(bundle) !== bundle) {
    throw new StatusError(StatusCode.invalidArgument, `bundle ${bundle}: not an absolute, plain path`);
  }
  const stats = fs.statSync(bundle, { throwIfNoEntry: false });
  if (stats === undefined) throw new StatusError(StatusCode.notFound, `bundle ${bundle}: no such directory`);
  if (!stats.isDirectory())
    throw new StatusError(StatusCode.invalidArgument, `bundle ${bundle}: not a directory`);
  return bundle;
}

/** The pid in a file that the runtime wrote; undefined where there is none, `internal` where it is no pid. */
export function readPidFile(file: string): number | undefined {
  const text = readTextFile(file, MAX_FILE_BYTES)?.trim();
  if (text === undefined) return undefined;
  const pid = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : Number.NaN;
  if (pid <= MAX_PID) return pid;
  throw new StatusError(StatusCode.internal, `${file}: ${JSON.stringify(text.slice(0, 40))} is not a pid`);
}

/** The pid of a bundle's init, from init.pid; errors as of {@link readPidFile}. */
export function readInitPid(bundle: string): number | undefined {
  return readPidFile(bundlePaths(bundle).initPid);
}

/**
 * The runtime options of a bundle's Create; undefined where none were written. The file is the one of
 * containerd-shim-runc-v2, so that the `delete` of either shim can clean up after the other.
 */
export function readOptions(bundle: string): RuncOptions | undefined {
  const file = bundlePaths(bundle).options;
  const text = readTextFile(file, MAX_FILE_BYTES);
  return text === undefined ? undefined : optionsFromJson(text, file);
}

/** Writes what {@link readOptions} reads. */
export function writeOptions(bundle: string, options: RuncOptions): void {
  writeFileAtomically(bundlePaths(bundle).options, optionsToJson(options));
}

/** The name of the runtime binary of a bundle, empty for the default; undefined where none was written. */
export function readRuntime(bundle: string): string | undefined {
  return readTextFile(bundlePaths(bundle).runtime, MAX_FILE_BYTES);
}

/** Writes what {@link readRuntime} reads. */
export function writeRuntime(bundle: string, binaryName: string): void {
  writeFileAtomically(bundlePaths(bundle).runtime, binaryName);
}

/** How a process ended: the status as the task API has it (128 + n for signal n). */
export interface ExitRecord {
  /** 0 where the process never came to be. */
  readonly pid: number;
  readonly status: number;
  readonly at: Date;
  /** Of an init: whether its Delete came to its end, so that nothing of the container is left to clean up. */
  readonly deleted?: boolean;
}

const exitReader = jsonReader(
  {
    type: "object",
    properties: {
      pid: { type: "integer", minimum: 0, maximum: MAX_PID },
      status: { type: "integer", minimum: 0, maximum: 255 },
      exitedAt: { type: "string" },
      deleted: { type: "boolean" },
    },
    required: ["pid", "status", "exitedAt"],
  } as const satisfies JSONSchema,
  StatusCode.internal,
);

/**
 * How the init of a bundle, or one of its execs, ended: the truth for the `delete` command when the server is
 * gone. Undefined where nothing was written; `internal` where it is no such record.
 */
export function readExitRecord(bundle: string, execId = ""): ExitRecord | undefined {
  const file = exitPath(bundle, execId);
  const text = readTextFile(file, MAX_FILE_BYTES);
  if (text === undefined) return undefined;
  const { exitedAt, ...record } = exitReader.parse(text, file);
  const at = new Date(exitedAt);
  if (at.getTime() >= 0) return { ...record, at };
  throw new StatusError(
    StatusCode.internal,
    `${file}: /exitedAt must be a time after 1970, as in 2006-01-02T15:04:05Z`,
  );
}

/** Writes what {@link readExitRecord} reads. */
export function writeExitRecord(bundle: string, record: ExitRecord, execId = ""): void {
  const { pid, status, at, deleted } = record;
  const text = JSON.stringify({ pid, status, exitedAt: at.toISOString(), deleted });
  writeFileAtomically(exitPath(bundle, execId), text);
}

/** Removes what an earlier container in the bundle has left of its end. */
export function removeExitRecord(bundle: string): void {
  fs.rmSync(exitPath(bundle, ""), { force: true });
}

function exitPath(bundle: string, execId: string): string {
  return execId === "" ? bundlePaths(bundle).exit : execPaths(bundle, execId).exit;
}

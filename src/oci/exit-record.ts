import { decodeJson } from "../base/decode-json.ts";
import { readTextFile, writeFileAtomically } from "../base/files.ts";
import { isObject } from "../base/json-finding.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { bundlePaths, execPaths } from "./bundle-paths.ts";
import { MAX_PID } from "./pid-file.ts";

/** A record has some hundred bytes. */
const MAX_FILE_BYTES = 4 << 10;

/** How a process ended: the status as the task API has it (128 + n for signal n). */
export interface ExitRecord {
  /** 0 where the process never came to be. */
  readonly pid: number;
  readonly status: number;
  readonly at: Date;
}

/**
 * How the init of a bundle, or one of its execs, ended: the truth for the `delete` command when the server is
 * gone. Undefined where nothing was written; `internal` where it is no such record.
 */
export function readExitRecord(bundle: string, execId = ""): ExitRecord | undefined {
  const file = exitPath(bundle, execId);
  const text = readTextFile(file, MAX_FILE_BYTES);
  if (text === undefined) return undefined;
  return parse(text, file);
}

/** Without a validator, whose package the `delete` command of every container would load for this alone. */
function parse(text: string, file: string): ExitRecord {
  const refuse = (what: string) => new StatusError(StatusCode.internal, `${file}: ${what}`);
  const record = decodeJson(text, file, StatusCode.internal);
  if (!isObject(record)) throw refuse("the document must be an object");
  const { pid, status, exitedAt } = record;
  if (!isWholeUpTo(MAX_PID, pid)) throw refuse(`/pid must be a whole number from 0 to ${MAX_PID}`);
  if (!isWholeUpTo(255, status)) throw refuse("/status must be a whole number from 0 to 255");
  const at = new Date(typeof exitedAt === "string" ? exitedAt : Number.NaN);
  if (!(at.getTime() >= 0)) throw refuse("/exitedAt must be a time after 1970, as in 2006-01-02T15:04:05Z");
  return { pid, status, at };
}

function isWholeUpTo(most: number, value: unknown): value is number {
  return Number.isInteger(value) && 0 <= (value as number) && (value as number) <= most;
}

/** Writes what {@link readExitRecord} reads. */
export function writeExitRecord(bundle: string, record: ExitRecord, execId = ""): void {
  const { pid, status, at } = record;
  const text = JSON.stringify({ pid, status, exitedAt: at.toISOString() });
  writeFileAtomically(exitPath(bundle, execId), text);
}

function exitPath(bundle: string, execId: string): string {
  return execId === "" ? bundlePaths(bundle).exit : execPaths(bundle, execId).exit;
}

import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import type koffi from "koffi";
import { StatusCode, StatusError } from "../base/status.ts";

/** koffi's native part, which is all that is used of it: its JavaScript part would double the time to load. */
export type NativeModule = Pick<typeof koffi, "load" | "errno" | "struct" | "pointer" | "array" | "inout">;

/** The module's name beside the executable, and inside it. */
export const MODULE_NAME = "koffi.node";

const PIECE_BYTES = 64 << 10;

/** Where a compiled executable holds the files that were embedded in it. */
const EMBEDDED = `/$bunfs/root/${MODULE_NAME}`;

/**
 * Loads koffi's native module. The dynamic loader wants it as a file, so that a compiled executable looks beside
 * itself first (an administrator may install it there), and else writes the copy embedded in it to the first
 * directory that allows executables. No file is loaded that is not that copy to the byte: one cut short by a
 * power failure would not be refused but crash the process. From source it comes from node_modules.
 * `failedPrecondition` says what was tried.
 */
export function loadNativeModule(): NativeModule {
  const failures: string[] = [];
  for (const file of candidates(failures)) {
    try {
      return dlopen(file);
    } catch (err) {
      failures.push(firstLine(err));
    }
  }
  const beside = path.join(path.dirname(process.execPath), MODULE_NAME);
  throw new StatusError(
    StatusCode.failedPrecondition,
    `the native module cannot be loaded (${failures.join("; ")}): install it as ${beside}`,
  );
}

/** The files to try, each made only when those before it have failed. */
function* candidates(failures: string[]): Generator<string> {
  if (!fs.existsSync(EMBEDDED)) {
    yield packagedModule();
    return;
  }
  const bytes = fs.readFileSync(EMBEDDED);
  const beside = path.join(path.dirname(process.execPath), MODULE_NAME);
  if (holds(beside, bytes)) yield beside;
  else if (fs.existsSync(beside)) failures.push(`${beside} is not the one of this executable`);
  for (const dir of extractionDirs()) {
    try {
      yield extract(bytes, dir);
    } catch (err) {
      failures.push(firstLine(err));
    }
  }
}

/** Temporary directories come first: they allow executables more often than /run does. */
function extractionDirs(): string[] {
  const uid = process.geteuid?.() ?? 0;
  return [path.join(os.tmpdir(), `ebb-${uid}`), "/var/lib/ebb", "/run/ebb"];
}

/** The path of the module's copy in a directory that only its owner can change; written where it differs. */
function extract(bytes: Buffer, dir: string): string {
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
  const stat = fs.lstatSync(dir);
  if (!stat.isDirectory() || stat.uid !== process.geteuid?.() || (stat.mode & 0o022) !== 0) {
    throw new Error(`${dir} is not a directory of our own`);
  }
  const file = path.join(dir, MODULE_NAME);
  if (holds(file, bytes)) return file;
  const temporary = `${file}.${process.pid}`;
  try {
    fs.rmSync(temporary, { force: true });
    fs.writeFileSync(temporary, bytes, { mode: 0o500 });
    fs.renameSync(temporary, file);
  } catch (err) {
    fs.rmSync(temporary, { force: true });
    throw err;
  }
  return file;
}

/** Whether a file is these bytes. Read in pieces: a buffer for all of it would stay with the process. */
function holds(file: string, bytes: Buffer): boolean {
  try {
    const fd = fs.openSync(file, "r");
    try {
      return fs.fstatSync(fd).size === bytes.length && begins(fd, bytes);
    } finally {
      fs.closeSync(fd);
    }
  } catch {
    return false;
  }
}

function begins(fd: number, bytes: Buffer): boolean {
  const piece = Buffer.alloc(PIECE_BYTES);
  for (let at = 0; at < bytes.length; ) {
    const length = fs.readSync(fd, piece);
    if (length === 0 || !bytes.subarray(at, at + length).equals(piece.subarray(0, length))) return false;
    at += length;
  }
  return true;
}

/** Where the package has it. */
export function packagedModule(): string {
  const folder = `linux_${process.arch}`;
  const file = `@koromix/koffi-linux-${process.arch}/${folder}/${MODULE_NAME}`;
  return createRequire(import.meta.url).resolve(file);
}

function dlopen(file: string): NativeModule {
  const module = { exports: {} as Partial<NativeModule> };
  process.dlopen(module, file);
  const { load, errno } = module.exports;
  if (load === undefined || errno === undefined) throw new Error(`${file} is not koffi's native module`);
  return module.exports as NativeModule;
}

function firstLine(err: unknown): string {
  return (err instanceof Error ? err.message : String(err)).split("\n")[0] ?? "";
}

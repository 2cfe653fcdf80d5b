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

/** What tells the embedded module from those of other builds: a hash of it, which the build puts in. */
declare const EBB_NATIVE_MODULE: string | undefined;

/** Where a compiled executable holds the files that were embedded in it. */
const EMBEDDED = `/$bunfs/root/${MODULE_NAME}`;

/**
 * Loads koffi's native module. The dynamic loader wants it as a file, so that a compiled executable looks beside
 * itself first (an administrator may install it there), and else writes the copy embedded in it to the first
 * directory that allows executables. No file is loaded that is not that copy to the byte: one cut short by a
 * power failure would not be refused but crash the process. So a copy of our own is known by this boot's id in its
 * name, which spares reading both (measured: 1.7 of 4 ms, and a megabyte of memory); another's is compared.
 * From source it comes from node_modules. `failedPrecondition` says what was tried.
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
  const beside = path.join(path.dirname(process.execPath), MODULE_NAME);
  if (fs.existsSync(beside)) {
    if (holds(beside, fs.readFileSync(EMBEDDED))) yield beside;
    else failures.push(`${beside} is not the one of this executable`);
  }
  for (const dir of extractionDirs()) {
    try {
      yield extracted(dir);
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

/** The path of the module's copy in a directory that only its owner can change; written once in each boot. */
function extracted(dir: string): string {
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
  const stat = fs.lstatSync(dir);
  if (!stat.isDirectory() || stat.uid !== process.geteuid?.() || (stat.mode & 0o022) !== 0) {
    throw new Error(`${dir} is not a directory of our own`);
  }
  const boot = fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const file = path.join(dir, `koffi-${buildOfModule()}-${boot}.node`);
  if (fs.lstatSync(file, { throwIfNoEntry: false })?.isFile() === true) return file;
  removeOld(dir, boot);
  write(file);
  return file;
}

function buildOfModule(): string {
  return typeof EBB_NATIVE_MODULE === "string" ? EBB_NATIVE_MODULE : "unnamed";
}

/** Writes the copy whole or not at all. */
function write(file: string): void {
  const temporary = `${file}.${process.pid}`;
  try {
    fs.rmSync(temporary, { force: true });
    fs.writeFileSync(temporary, fs.readFileSync(EMBEDDED), { mode: 0o500 });
    fs.renameSync(temporary, file);
  } catch (err) {
    fs.rmSync(temporary, { force: true });
    throw err;
  }
}

/** Removes the copies of earlier boots, of which nobody knows whether they reached the disk. */
function removeOld(dir: string, boot: string): void {
  for (const name of fs.readdirSync(dir)) {
    if (/^koffi.*\.node/.test(name) && !name.includes(boot)) fs.rmSync(path.join(dir, name), { force: true });
  }
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

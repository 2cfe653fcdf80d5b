/**
 * Small files: those of a bundle, of a run directory, of the host's configuration. The calls are synchronous:
 * bundles and run directories lie on a tmpfs, and a configuration is read before anything is served.
 */
import fs from "node:fs";
import path from "node:path";
import { StatusCode, StatusError } from "./status.ts";

const CODES: Readonly<Record<string, StatusCode>> = {
  ENOENT: StatusCode.notFound,
  ENOTDIR: StatusCode.notFound,
  EACCES: StatusCode.permissionDenied,
  EPERM: StatusCode.permissionDenied,
  EROFS: StatusCode.failedPrecondition,
  EISDIR: StatusCode.failedPrecondition,
  ENOSPC: StatusCode.resourceExhausted,
  EDQUOT: StatusCode.resourceExhausted,
  EMFILE: StatusCode.resourceExhausted,
  ENFILE: StatusCode.resourceExhausted,
};

/** Runs something on a file; what it throws becomes a StatusError `cannot <action> <path>: <errno>`. */
function onFile<T>(action: string, file: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof StatusError) throw thrown;
    const reason = errnoOf(thrown) ?? String(thrown);
    const code = CODES[reason] ?? StatusCode.internal;
    throw new StatusError(code, `cannot ${action} ${file}: ${reason}`, { cause: thrown });
  }
}

/** The errno name (`ENOENT`) of what a node API threw. */
export function errnoOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}

/**
 * The text of a regular file, or undefined where there is none. A longer one than `maxBytes` is
 * `resourceExhausted`; a directory, device or fifo is `failedPrecondition` (and is not waited for).
 */
export function readTextFile(file: string, maxBytes: number): string | undefined {
  return onFile("read", file, () => {
    const fd = openForReading(file);
    if (fd === undefined) return undefined;
    try {
      if (!fs.fstatSync(fd).isFile()) {
        throw new StatusError(StatusCode.failedPrecondition, `${file} is not a regular file`);
      }
      return readAtMost(fd, file, maxBytes);
    } finally {
      fs.closeSync(fd);
    }
  });
}

/** Opens a file without waiting for the other end of a fifo; undefined where there is none. */
function openForReading(file: string): number | undefined {
  try {
    return fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch (thrown) {
    if (errnoOf(thrown) === "ENOENT") return undefined;
    throw thrown;
  }
}

function readAtMost(fd: number, file: string, maxBytes: number): string {
  const { size } = fs.fstatSync(fd);
  if (size > maxBytes) {
    throw new StatusError(StatusCode.resourceExhausted, `${file} is larger than ${maxBytes} bytes`);
  }
  const buffer = Buffer.alloc(size);
  return buffer.toString("utf8", 0, fs.readSync(fd, buffer, 0, size, 0));
}

/**
 * What was added to a file since it was `offset` bytes long, at most its last `maxBytes`; all of it where it
 * has become shorter; nothing where it cannot be read.
 */
export function readTail(file: string, offset: number, maxBytes: number): string {
  let fd: number | undefined;
  try {
    fd = openForReading(file);
    if (fd === undefined) return "";
    const { size } = fs.fstatSync(fd);
    const start = Math.max(size < offset ? 0 : offset, size - maxBytes);
    const buffer = Buffer.alloc(size - start);
    return buffer.toString("utf8", 0, fs.readSync(fd, buffer, 0, buffer.length, start));
  } catch {
    return "";
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/** How many bytes a file holds; 0 where there is none. */
export function fileSize(file: string): number {
  try {
    return fs.statSync(file).size;
  } catch {
    return 0;
  }
}

/**
 * Writes a file (mode 0600) that a reader sees either as it was or as a whole, also after the writer was
 * killed. It is not synced: what a bundle says need not outlive the host, as no process does.
 */
export function writeFileAtomically(file: string, text: string): void {
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.tmp`);
  onFile("write", file, () => {
    try {
      writeNewFile(temporary, text);
      fs.renameSync(temporary, file);
    } catch (thrown) {
      discard(temporary);
      throw thrown;
    }
  });
}

/** What it could not be written for tells more than that it cannot be removed. */
function discard(file: string): void {
  try {
    fs.rmSync(file, { force: true });
  } catch {
    // The next writer tries again.
  }
}

function writeNewFile(file: string, text: string): void {
  const fd = openNew(file);
  try {
    writeAll(fd, text);
  } finally {
    fs.closeSync(fd);
  }
}

/** A new file, for writing and reading; what an earlier writer of the same pid has left gives way. */
function openNew(file: string): number {
  try {
    return fs.openSync(file, "wx+", 0o600);
  } catch (thrown) {
    if (errnoOf(thrown) !== "EEXIST") throw thrown;
    fs.rmSync(file, { force: true });
    return fs.openSync(file, "wx+", 0o600);
  }
}

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += fs.writeSync(fd, bytes, at, bytes.length - at, at);
}

/**
 * A descriptor that reads a text from its beginning, for the stdin of a program: a file without a name, in
 * `dir`. Other than a pipe of node's, which is a socket, it can be opened again as /dev/stdin. The caller
 * closes it.
 */
export function openText(dir: string, text: string): number {
  const file = path.join(dir, `.input.${process.pid}.tmp`);
  return onFile("write", file, () => {
    const fd = openNew(file);
    try {
      fs.rmSync(file);
      writeAll(fd, text);
      return fd;
    } catch (thrown) {
      fs.closeSync(fd);
      throw thrown;
    }
  });
}

import fs from "node:fs";
import { LOG_LEVELS, type LogFields, type Logger, type LogLevel } from "../base/logger.ts";
import { StatusError } from "../base/status.ts";

/**
 * A logger that writes JSON lines into a bundle's `log` fifo, which the daemon reads. A missing file means no
 * log (the shim was called by hand); a reader that is away or slow costs lines, which are counted and told of,
 * never time: the fifo is opened for reading as well, so that opening and writing never wait for anybody.
 */
export function openLog(file: string, level: LogLevel, fields: LogFields): Logger {
  const write = lineWriter(file);
  const least = LOG_LEVELS.indexOf(level);
  const log = (name: LogLevel, message: string, all: LogFields) => {
    if (LOG_LEVELS.indexOf(name) >= least) write(toLine(name, message, all));
  };
  return wrap(log, fields);
}

/** A line has each field once, the innermost word for it. */
function wrap(log: (level: LogLevel, message: string, fields: LogFields) => void, own: LogFields): Logger {
  return {
    debug: (message, fields) => log("debug", message, { ...own, ...fields }),
    info: (message, fields) => log("info", message, { ...own, ...fields }),
    warn: (message, fields) => log("warn", message, { ...own, ...fields }),
    error: (message, fields) => log("error", message, { ...own, ...fields }),
    child: (fields) => wrap(log, { ...own, ...fields }),
  };
}

function toLine(level: LogLevel, msg: string, fields: LogFields): string {
  const start = { level, time: new Date().toISOString() };
  try {
    return `${JSON.stringify({ ...start, ...named(fields), msg })}\n`;
  } catch {
    // A field that JSON has no word for (a cycle, a bigint) must not cost the message.
    return `${JSON.stringify({ ...start, msg })}\n`;
  }
}

/** What the fields that all lines have in common are called outside: as OpenTelemetry names them, where it does. */
const NAMES: Readonly<Record<string, string>> = {
  namespace: "containerd.namespace",
  shim: "containerd.shim.id",
  id: "container.id",
  execId: "containerd.exec.id",
  pid: "process.pid",
};

function named(fields: LogFields): LogFields {
  const entries = Object.entries(fields).flatMap(([name, value]) =>
    name === "err" ? exceptionOf(value) : [[NAMES[name] ?? name, value]],
  );
  return Object.fromEntries(entries);
}

/** An error that was foreseen says all in its message; of any other the place is told. */
function exceptionOf(thrown: unknown): [string, unknown][] {
  if (!(thrown instanceof Error)) return [["exception.message", String(thrown)]];
  const origin = thrown instanceof StatusError && thrown.cause instanceof Error ? thrown.cause : thrown;
  return [
    ["exception.type", thrown.name],
    ["exception.message", thrown.message],
    ...(origin instanceof StatusError || "code" in origin
      ? []
      : [["exception.stacktrace", origin.stack] as [string, unknown]]),
  ];
}

/** Writes whole lines without ever waiting. What does not fit is dropped, and the next line that fits says so. */
function lineWriter(file: string): (line: string) => void {
  const fd = openWithoutWaiting(file);
  if (fd === undefined) return () => {};
  let dropped = 0;
  let torn = false;
  return (line) => {
    const notice = dropped > 0 ? noticeOf(dropped) : "";
    const bytes = Buffer.from(`${torn ? "\n" : ""}${notice}${line}`);
    const written = writeSome(fd, bytes);
    if (written === 0) {
      dropped += 1;
      return;
    }
    dropped = 0;
    torn = written < bytes.length;
  };
}

function noticeOf(dropped: number): string {
  return toLine("warn", "log lines were dropped", { dropped });
}

function openWithoutWaiting(file: string): number | undefined {
  try {
    const flags = fs.statSync(file).isFIFO()
      ? fs.constants.O_RDWR
      : fs.constants.O_WRONLY | fs.constants.O_APPEND;
    return fs.openSync(file, flags | fs.constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}

function writeSome(fd: number, bytes: Uint8Array): number {
  try {
    return fs.writeSync(fd, bytes);
  } catch {
    return 0;
  }
}

import fs from "node:fs";
import type { Logger as PinoLogger } from "pino";
import { LOG_LEVELS, type LogFields, type Logger, type LogLevel } from "../base/logger.ts";
import { StatusError } from "../base/status.ts";

/**
 * A logger that writes JSON lines into a bundle's `log` fifo, which the daemon reads. A missing file means no
 * log (the shim was called by hand); a reader that is away or slow costs lines, which are counted and told of,
 * never time: the fifo is opened for reading as well, so that opening and writing never wait for anybody.
 */
export function openLog(file: string, level: LogLevel, fields: LogFields): Log {
  const { write, close } = lineWriter(file);
  let lines: PinoLogger | undefined;
  const open = () => (lines ??= openPino(level, write));
  return { logger: wrap({ from: LOG_LEVELS.indexOf(level), open }, fields), close };
}

/** A logger with its file. */
export interface Log {
  readonly logger: Logger;
  /** Closes the file; lines that come later go nowhere. Repeatable. */
  close(): void;
}

/** Where lines go, opened by the first that is to be written. */
interface Lines {
  /** The place in {@link LOG_LEVELS} of the first level that is written. */
  readonly from: number;
  readonly open: () => PinoLogger;
}

/** The package takes 2 to 6 ms to load, which neither the way to the first answer nor a shim that idles has to pay. */
function openPino(level: LogLevel, write: (line: string) => void): PinoLogger {
  const { pino } = require("pino") as typeof import("pino");
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters };
  return pino(options, { write });
}

const formatters = { level: (label: string) => ({ level: label }) };

/** A line has each field once, the innermost word for it. */
function wrap(lines: Lines, own: LogFields): Logger {
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (LOG_LEVELS.indexOf(level) < lines.from) return;
    lines.open()[level](named({ ...own, ...fields }), message);
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => wrap(lines, { ...own, ...fields }),
  };
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
function lineWriter(file: string): { readonly write: (line: string) => void; readonly close: () => void } {
  let fd = openWithoutWaiting(file);
  let dropped = 0;
  let torn = false;
  const write = (line: string) => {
    if (fd === undefined) return;
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
  const close = () => {
    if (fd !== undefined) fs.closeSync(fd);
    fd = undefined;
  };
  return { write, close };
}

function noticeOf(dropped: number): string {
  const time = new Date().toISOString();
  return `${JSON.stringify({ level: "warn", time, msg: "log lines were dropped", dropped })}\n`;
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

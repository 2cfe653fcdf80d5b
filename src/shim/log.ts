import fs from "node:fs";
import pino from "pino";
import type { LogFields, Logger } from "../base/logger.ts";

/**
 * A logger that writes JSON lines into a bundle's `log` fifo, which the daemon reads. A missing file means no
 * log (the shim was called by hand); a reader that is away or slow costs lines, which are counted and told of,
 * never time: the fifo is opened for reading as well, so that opening and writing never wait for anybody.
 */
export function openLog(file: string, level: "debug" | "info", fields: LogFields): Logger {
  const write = lineWriter(file);
  const options = { level, base: fields, timestamp: pino.stdTimeFunctions.isoTime, formatters };
  return wrap(pino(options, { write }));
}

const formatters = { level: (label: string) => ({ level: label }) };

function wrap(logger: pino.Logger): Logger {
  return {
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
    child: (fields) => wrap(logger.child(fields)),
  };
}

/** Writes whole lines without ever waiting. What does not fit is dropped, and the next line that fits says so. */
function lineWriter(file: string): (line: string) => void {
  const fd = openWithoutWaiting(file);
  if (fd === undefined) return () => {};
  let dropped = 0;
  let torn = false;
  return (line) => {
    const notice =
      dropped > 0 ? `${JSON.stringify({ level: "warn", msg: "log lines were dropped", dropped })}\n` : "";
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

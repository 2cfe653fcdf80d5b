/** What is typed for flags, as values. Each reader throws a UsageError that names the flag and what was typed. */
import { existsSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { UsageError } from "./exit-status.ts";

/** A directory or file of this host in a container. */
export interface Volume {
  readonly source: string;
  readonly destination: string;
  readonly readOnly: boolean;
}

/** The sizes of the units, by their first letter. */
const UNITS: Readonly<Record<string, number>> = { b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Less than this, the kernel does not even start a program. */
const LEAST_MEMORY = 4 * 2 ** 20;

/** Below this the kernel's shortest quota is longer than the share. */
const LEAST_CPUS = 0.01;
/** More than any host has, and less than the kernel's longest quota. */
const MOST_CPUS = 65_536;

/** A size: bytes, or a number with k, m, g or t (powers of 1024). */
export function readMemory(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(text);
  const bytes = Math.floor(Number(match?.[1]) * (UNITS[(match?.[2] || "b").toLowerCase()] ?? Number.NaN));
  if (!Number.isSafeInteger(bytes)) throw wrong("--memory", "a size such as 64m or 1g", text);
  if (bytes < LEAST_MEMORY) throw wrong("--memory", "at least 4m", text);
  return bytes;
}

/** A number of processors, also a part of one. */
export function readCpus(text: string): number {
  const cpus = /^(\d+(\.\d*)?|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (cpus > MOST_CPUS) throw wrong("--cpus", `${MOST_CPUS} at most`, text);
  if (!(cpus >= LEAST_CPUS)) throw wrong("--cpus", `a number such as 0.5 or 2, ${LEAST_CPUS} at least`, text);
  return cpus;
}

/** `NAME=VALUE`, or `NAME` alone for what it is in the environment; undefined where it is not set there. */
export function readVariable(text: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (/^[^=\0]+=/.test(text)) return text;
  if (text === "" || text.startsWith("=")) throw wrong("--env", "NAME=VALUE or NAME", text);
  const value = env[text];
  return value === undefined ? undefined : `${text}=${value}`;
}

/** `SOURCE:DESTINATION[:ro|rw]`; the source has to be there, the destination to be absolute. */
export function readVolume(text: string): Volume {
  const [source = "", destination = "", mode = "rw", ...more] = text.split(":");
  const form = more.length === 0 && source !== "" && path.posix.isAbsolute(destination);
  if (!form || !["ro", "rw"].includes(mode)) {
    throw wrong("--volume", "SOURCE:DESTINATION[:ro] with an absolute path in the container", text);
  }
  const resolved = path.resolve(source);
  if (!existsSync(resolved)) throw new UsageError(`--volume: ${resolved} does not exist`);
  const normal = path.posix.normalize(destination);
  if (normal === "/") throw wrong("--volume", "a path below / in the container", text);
  return { source: resolved, destination: normal, readOnly: mode === "ro" };
}

/** A signal by its number, or its name with or without SIG. */
export function readSignal(flag: string, text: string): number {
  const names: Readonly<Record<string, number>> = os.constants.signals;
  const upper = text.toUpperCase();
  const number = /^\d+$/.test(text) ? Number(text) : (names[upper] ?? names[`SIG${upper}`]);
  if (number === undefined || number < 1 || number > 64) {
    throw wrong(flag, "a signal such as TERM, SIGKILL or 9", text);
  }
  return number;
}

/** A time in seconds, as milliseconds. */
export function readSeconds(flag: string, text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds <= 1_000_000)) throw wrong(flag, "a number of seconds", text);
  return Math.round(seconds * 1000);
}

/** The units of an age, in milliseconds. */
const AGE_UNITS: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3600e3, d: 86400e3 };

/** An age (30s, 10m, 2h, 1d) before now, or a time in the form of ISO 8601, in milliseconds since the epoch. */
export function readTime(flag: string, text: string, now = Date.now()): number {
  const [, count, unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const time = count === undefined ? Date.parse(text) : now - Number(count) * (AGE_UNITS[unit] ?? 0);
  if (Number.isNaN(time)) throw wrong(flag, "an age such as 10m, or a time such as 2026-01-31T12:00Z", text);
  return time;
}

/** A whole number, or `all`, which is undefined. */
export function readCount(flag: string, text: string): number | undefined {
  if (text === "all") return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw wrong(flag, "a whole number or all", text);
}

/** `NAME[:GROUP]` or `UID[:GID]`; which it is, is for the container's own files to say. */
export function readUser(text: string): string {
  if (/^[^:\s]+(:[^:\s]+)?$/.test(text)) return text;
  throw wrong("--user", "NAME[:GROUP] or UID[:GID]", text);
}

/** A directory in the container. */
export function readDirectory(flag: string, text: string): string {
  if (path.posix.isAbsolute(text)) return text;
  throw new UsageError(`${flag} must be an absolute path in the container, not ${JSON.stringify(text)}`);
}

function wrong(flag: string, wanted: string, text: string): UsageError {
  return new UsageError(`${flag} takes ${wanted}, not ${JSON.stringify(text)}`);
}

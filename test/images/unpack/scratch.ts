import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after } from "node:test";
import { Budget } from "../../../src/images/unpack/budget.ts";
import { type Extracted, extractLayer } from "../../../src/images/unpack/extract.ts";
import { readTar } from "../../../src/images/unpack/tar-reader.ts";
import { chunks, digestOf } from "./archive.ts";

/** Why nothing can be unpacked here; false where it can. */
export const notRoot: string | false = process.getuid?.() === 0 ? false : "needs root";

/** A directory for a test file, removed after it. */
export function scratch(): { readonly dir: string; make(): string } {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-unpack-"));
  after(() => fs.rmSync(dir, { recursive: true }));
  return { dir, make: () => fs.mkdtempSync(path.join(dir, "layer-")) };
}

/** How a test unpacks an archive. */
export interface Extraction {
  /** As it comes from the store, where it is packed. */
  readonly packed?: Buffer;
  readonly diffId?: string;
  readonly isLowest?: boolean;
  readonly maxBytes?: number;
  readonly maxFiles?: number;
  readonly maxMemoryBytes?: number;
  readonly signal?: AbortSignal;
}

/** Unpacks an archive into a directory. */
export async function extract(bytes: Buffer, directory: string, how: Extraction = {}): Promise<Extracted> {
  const { packed = bytes, isLowest = false, maxBytes = 1 << 30, maxFiles = 1_000 } = how;
  const { maxMemoryBytes = 1 << 26 } = how;
  const { done, stopped } = extractLayer(chunks(packed), directory, {
    diffId: how.diffId ?? digestOf(bytes),
    isLowest,
    budget: new Budget({ maxBytes, maxFiles, maxMemoryBytes }),
    signal: how.signal ?? new AbortController().signal,
  });
  try {
    return await done;
  } finally {
    await stopped;
  }
}

/** All that is below a directory, each as `PATH KIND …`, in order. No link is followed, as by some runtimes. */
export function list(directory: string): string[] {
  return namesBelow(directory)
    .sort()
    .map((name) => `${name} ${describe(path.join(directory, name))}`);
}

function namesBelow(directory: string): string[] {
  return fs.readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const below = entry.isDirectory() ? namesBelow(path.join(directory, entry.name)) : [];
    return [entry.name, ...below.map((name) => `${entry.name}/${name}`)];
  });
}

function describe(file: string): string {
  const stat = fs.lstatSync(file);
  if (stat.isSymbolicLink()) return `-> ${fs.readlinkSync(file)}`;
  if (stat.isDirectory()) return "directory";
  if (stat.isFIFO()) return "fifo";
  if (stat.isFile()) return `file ${fs.readFileSync(file, "utf8")}`.trim();
  return `${stat.isCharacterDevice() ? "char" : "block"} ${stat.rdev >> 8}:${stat.rdev & 0xff}`;
}

/** The extended attributes of a file as `NAME=HEX`, sorted, as GNU tar archives them. */
export async function xattrsOf(file: string): Promise<string[]> {
  const args = ["--create", "--file=-", "--format=posix", "--xattrs", "--no-recursion", path.basename(file)];
  const bytes = execFileSync("tar", args, { cwd: path.dirname(file) });
  for await (const { entry } of readTar(chunks(bytes))) {
    return [...entry.xattrs]
      .map(([name, value]) => `${name}=${Buffer.from(value, "latin1").toString("hex")}`)
      .sort();
  }
  return [];
}

/** With other variables in the environment while something runs. */
export async function withEnvironment<T>(
  variables: Record<string, string>,
  work: () => Promise<T>,
): Promise<T> {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
    Object.assign(process.env, before);
  }
}

import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { bold, duration, printTable, progress, say } from "../demo/paint.ts";
import { must } from "../lab/command.ts";
import type { SlowDisk } from "../lab/slow-disk.ts";
import { withSlowDisk } from "./throttled.ts";

const MIB = 1 << 20;
const LAYERS = 3;
const FILES = 100;
const FILE_BYTES = 82 << 10;
const LIMIT_MIB = 4;

/** What was seen, up to when the image was said to be there. */
interface Seen {
  readonly ms: number;
  readonly writtenBytes: number;
}

/** The ways, by their names in the table, with the program that unpacks and its last argument. */
const WAYS: Readonly<Record<string, string>> = {
  "`syncAfterUnpack: true`": "sync",
  "`syncAfterUnpack: false`": "no-sync",
  "each file synced by itself": "each-file",
};

/** Unpacks an image onto a slow disk in several ways, and prints a table. */
export async function unpackImage(signal: AbortSignal): Promise<void> {
  const mib = ((LAYERS * FILES * FILE_BYTES) / MIB).toFixed(0);
  say(
    bold(
      `an image of ${mib} MiB, ${LAYERS * FILES} files in ${LAYERS} layers, unpacked onto a disk of ${LIMIT_MIB} MiB/s`,
    ),
  );
  const rows: string[][] = [];
  for (const [name, way] of Object.entries(WAYS)) {
    signal.throwIfAborted();
    progress(`${name}: preparing the disk`);
    const { ms, writtenBytes } = await measure(way, signal);
    rows.push([name, duration(ms), `${(writtenBytes / MIB).toFixed(1)} MiB`]);
  }
  printTable(["way", "there after", "of it on the disk then"], rows);
}

async function measure(way: string, signal: AbortSignal): Promise<Seen> {
  const dir = mkdtempSync(path.join(os.tmpdir(), "ebb-bench-"));
  try {
    return await withSlowDisk({ signal }, async (disk) => {
      const layers = await makeLayers(dir);
      disk.throttle(LIMIT_MIB * MIB);
      progress(`${way}: unpacking`);
      return await unpackOnto(disk, way, layers);
    });
  } finally {
    progress(undefined);
    rmSync(dir, { recursive: true });
  }
}

/** Archives of files with random bytes. */
async function makeLayers(dir: string): Promise<string[]> {
  const archives: string[] = [];
  for (let layer = 0; layer < LAYERS; layer++) {
    const files = path.join(dir, `files${layer}`);
    mkdirSync(files);
    for (let index = 0; index < FILES; index++) {
      writeFileSync(path.join(files, `file${layer}-${index}`), randomBytes(FILE_BYTES));
    }
    archives.push(path.join(dir, `${layer}.tar`));
    await must("tar", ["--create", "--file", archives[layer] ?? "", "--directory", files, "."]);
  }
  return archives;
}

/** By a program of its own: it has to be where writes are limited. */
async function unpackOnto(disk: SlowDisk, way: string, layers: readonly string[]): Promise<Seen> {
  const program = path.join(path.dirname(fileURLToPath(import.meta.url)), "unpack-main.ts");
  const before = disk.writtenBytes();
  const { stdout, stderr, exitCode } = await disk.run(process.execPath, [
    program,
    way,
    path.join(disk.mountPoint, "layers"),
    ...layers,
  ]);
  if (exitCode !== 0) throw new Error(`unpacking failed: ${stderr}`);
  return { ms: Number(stdout), writtenBytes: disk.writtenBytes() - before };
}

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { bold, duration, printTable, progress, say } from "../demo/paint.ts";
import { command, must } from "../lab/command.ts";
import type { SlowDisk } from "../lab/slow-disk.ts";
import { readProcessStat } from "../src/linux/process-stat.ts";
import { plainUmount, release, type Way } from "./let-go.ts";
import { withSlowDisk } from "./throttled.ts";

const MIB = 1 << 20;
const COUNT = 20;
const DIRTY_MIB = 2;
const LIMIT_MIB = 8;
/** What somebody else writes to the same disk meanwhile, a bit at a time. */
const NEIGHBOUR = 'while [ ! -e "$0" ]; do head -c 262144 /dev/urandom >>"$1"; sleep 0.1; done';
/** How often the processes are looked at. */
const LOOK_MS = 200;

/** What was seen, times in milliseconds since all were asked at once. */
interface Seen {
  readonly answersMs: readonly number[];
  readonly endsMs: readonly number[];
  /** The most processes that slept in the kernel for the disk (state D) at one time. */
  readonly blocked: number;
  readonly writtenBytes: number;
}

/** What is measured, with a directory for what is made for it. */
interface Measuring {
  readonly dir: string;
  readonly name: string;
  /** Whether somebody else writes to the disk. */
  readonly neighbour: boolean;
}

const WAYS: Readonly<Record<string, (dir: string) => Way>> = {
  umount: () => plainUmount,
  ebb: (dir) => release(path.join(dir, "run"), 600_000),
  "ebb without turns": (dir) => release(path.join(dir, "run"), 0),
};

/** Lets many overlays with unwritten data go at once, on one slow disk, in several ways, and prints tables. */
export async function manyReleases(signal: AbortSignal): Promise<void> {
  const what = `${COUNT} overlays with ${DIRTY_MIB} MiB of unwritten data each, let go at once`;
  say(bold(`${what}, on a disk that takes ${LIMIT_MIB} MiB/s`));
  for (const neighbour of [false, true]) {
    say(neighbour ? "while somebody else writes to it, about 2 MiB/s:" : "while nobody else writes to it:");
    const rows: string[][] = [];
    for (const name of Object.keys(WAYS)) rows.push([name, ...cells(await measure(name, neighbour, signal))]);
    const head = [
      "way",
      "answered (first, last)",
      "synced (first, last)",
      "in state D",
      "written to the disk",
    ];
    printTable(head, rows);
  }
}

function cells({ answersMs, endsMs, blocked, writtenBytes }: Seen): string[] {
  const span = (times: readonly number[]) =>
    [Math.min(...times), Math.max(...times)].map(duration).join(", ");
  return [span(answersMs), span(endsMs), String(blocked), `${(writtenBytes / MIB).toFixed(1)} MiB`];
}

async function measure(name: string, neighbour: boolean, signal: AbortSignal): Promise<Seen> {
  signal.throwIfAborted();
  progress(`${name}: preparing the disk`);
  const dir = mkdtempSync(path.join(os.tmpdir(), "ebb-bench-"));
  try {
    return await withSlowDisk({ signal }, (disk) => measureOn(disk, { dir, name, neighbour }));
  } finally {
    progress(undefined);
    rmSync(dir, { recursive: true });
  }
}

async function measureOn(disk: SlowDisk, { dir, name, neighbour }: Measuring): Promise<Seen> {
  const rootfses: string[] = [];
  let writer: Promise<unknown> | undefined;
  try {
    for (let index = 0; index < COUNT; index++) rootfses.push(await dirtyOverlay(dir, disk, `c${index}`));
    disk.throttle(LIMIT_MIB * MIB);
    if (neighbour)
      writer = disk.run("sh", ["-c", NEIGHBOUR, stopFile(dir), path.join(disk.mountPoint, "log")]);
    progress(`${name}: ${COUNT} at once`);
    return await letAllGo(WAYS[name]?.(dir) ?? plainUmount, disk, rootfses);
  } finally {
    disk.lift();
    writeFileSync(stopFile(dir), "");
    await writer;
    // Where all went well there is nothing to unmount any more.
    for (const rootfs of rootfses) await command("umount", ["--lazy", rootfs]);
  }
}

function stopFile(dir: string): string {
  return path.join(dir, "stop");
}

/** A mounted overlay with its upper directory on the disk, and data in it that is in the page cache only. */
async function dirtyOverlay(dir: string, disk: SlowDisk, name: string): Promise<string> {
  const [lower = "", rootfs = ""] = ["lower", "rootfs"].map((part) => path.join(dir, part, name));
  const [upper = "", work = ""] = ["upper", "work"].map((part) => path.join(disk.mountPoint, part, name));
  for (const made of [lower, rootfs, upper, work]) mkdirSync(made, { recursive: true });
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
  await must("mount", ["-t", "overlay", "overlay", "-o", options, rootfs]);
  const file = path.join(rootfs, "data");
  const dd = ["if=/dev/urandom", `of=${file}`, `bs=${MIB}`, `count=${DIRTY_MIB}`];
  const { exitCode, stderr } = await disk.run("dd", dd);
  if (exitCode !== 0) throw new Error(`writing ${file} failed: ${stderr}`);
  return rootfs;
}

async function letAllGo(way: Way, disk: SlowDisk, rootfses: readonly string[]): Promise<Seen> {
  const pids = new Set<number>();
  let blocked = 0;
  let lastSeen: readonly number[] = [];
  // Those that are there twice in a row: a shell that starts a program is in this state for a moment as well.
  // It also keeps this process alive, which helpers do not.
  const look = setInterval(() => {
    const seen = [...pids].filter((pid) => readProcessStat(pid)?.state === "D");
    blocked = Math.max(blocked, seen.filter((pid) => lastSeen.includes(pid)).length);
    lastSeen = seen;
  }, LOOK_MS);
  const before = disk.writtenBytes();
  const asked = performance.now();
  const answersMs: number[] = [];
  const endsMs: number[] = [];
  const letOneGo = async (rootfs: string) => {
    const { ended } = await way(rootfs, pids);
    answersMs.push(performance.now() - asked);
    await ended;
    endsMs.push(performance.now() - asked);
  };
  await Promise.all(rootfses.map(letOneGo)).finally(() => clearInterval(look));
  return { answersMs, endsMs, blocked, writtenBytes: disk.writtenBytes() - before };
}

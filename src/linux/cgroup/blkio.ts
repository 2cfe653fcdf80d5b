import { readCgroupFile } from "./files.ts";
import { type Count, linesOf, parseCount } from "./values.ts";

/** One number of a device in a blkio file. */
export interface BlkioEntry {
  /** `Read`, `Write`, …; empty in files that count all alike. */
  readonly op: string;
  /** Its path in /dev; empty where /proc/partitions does not know it. */
  readonly device: string;
  readonly major: number;
  readonly minor: number;
  readonly value: Count;
}

/** Paths by `major:minor`. */
type Devices = ReadonlyMap<string, string>;

/** The files of the CFQ scheduler, which Linux had until 5.0. */
const CFQ_FILES = {
  ioServiceBytesRecursive: "blkio.io_service_bytes_recursive",
  ioServicedRecursive: "blkio.io_serviced_recursive",
  ioQueuedRecursive: "blkio.io_queued_recursive",
  ioServiceTimeRecursive: "blkio.io_service_time_recursive",
  ioWaitTimeRecursive: "blkio.io_wait_time_recursive",
  ioMergedRecursive: "blkio.io_merged_recursive",
  ioTimeRecursive: "blkio.time_recursive",
  sectorsRecursive: "blkio.sectors_recursive",
} as const;

/** What there is without it. */
const THROTTLE_FILES = {
  ioServiceBytesRecursive: "blkio.throttle.io_service_bytes",
  ioServicedRecursive: "blkio.throttle.io_serviced",
} as const;

/**
 * The figures of block devices on v1: those of CFQ where it counted any, else those that limits are held to. A kernel that
 * has not its first file has none of CFQ's.
 */
export async function readBlkio(dir: string): Promise<Partial<Record<keyof typeof CFQ_FILES, BlkioEntry[]>>> {
  const devices = parsePartitions(await readCgroupFile("/proc", "partitions"));
  if ((await readCgroupFile(dir, CFQ_FILES.ioServiceBytesRecursive)) !== undefined) {
    const cfq = await readAll(dir, CFQ_FILES, devices);
    if (Object.values(cfq).some((entries) => entries.length > 0)) return cfq;
  }
  return readAll(dir, THROTTLE_FILES, devices);
}

async function readAll<Field extends string>(
  dir: string,
  files: Readonly<Record<Field, string>>,
  devices: Devices,
): Promise<Record<Field, BlkioEntry[]>> {
  const read: [string, BlkioEntry[]][] = [];
  for (const [field, name] of Object.entries<string>(files)) {
    read.push([field, parseBlkio(await readCgroupFile(dir, name), devices)]);
  }
  return Object.fromEntries(read) as Record<Field, BlkioEntry[]>;
}

/** Lines `8:0 Read 4096` or `8:0 4096`; the sum at the end, which is of no device, is left out. */
export function parseBlkio(text: string | undefined, devices: Devices): BlkioEntry[] {
  return linesOf(text).flatMap((line) => {
    const [, major, minor, op = "", value] = /^(\d+):(\d+) (?:(\w+) )?(\d+)$/.exec(line) ?? [];
    if (major === undefined || minor === undefined) return [];
    const device = devices.get(`${major}:${minor}`) ?? "";
    return [{ op, device, major: Number(major), minor: Number(minor), value: parseCount(value) }];
  });
}

/** `/proc/partitions`: a heading, then lines `major minor #blocks name`. */
export function parsePartitions(text: string | undefined): Devices {
  const rows = linesOf(text).slice(1);
  const fields = rows.map((line) => line.trim().split(/\s+/));
  return new Map(fields.map(([major, minor, , name]) => [`${major}:${minor}`, `/dev/${name}`]));
}

import { hugePageSizes, inTurn, readCgroupFile } from "./files.ts";
import { readRdma } from "./rdma.ts";
import { type Count, linesOf, parseCount, parseNamed, parsePairs, pick, UNLIMITED } from "./values.ts";

/** The fields of cpu.stat, and their names there. */
const CPU_STAT = {
  usageUsec: "usage_usec",
  userUsec: "user_usec",
  systemUsec: "system_usec",
  nrPeriods: "nr_periods",
  nrThrottled: "nr_throttled",
  throttledUsec: "throttled_usec",
  nrBursts: "nr_bursts",
  burstUsec: "burst_usec",
} as const;

/** The fields of memory.stat; the workingset ones without a kind are those of kernels before 5.9. */
const MEMORY_STAT = {
  anon: "anon",
  file: "file",
  kernelStack: "kernel_stack",
  slab: "slab",
  sock: "sock",
  shmem: "shmem",
  fileMapped: "file_mapped",
  fileDirty: "file_dirty",
  fileWriteback: "file_writeback",
  anonThp: "anon_thp",
  inactiveAnon: "inactive_anon",
  activeAnon: "active_anon",
  inactiveFile: "inactive_file",
  activeFile: "active_file",
  unevictable: "unevictable",
  slabReclaimable: "slab_reclaimable",
  slabUnreclaimable: "slab_unreclaimable",
  pgfault: "pgfault",
  pgmajfault: "pgmajfault",
  workingsetRefault: "workingset_refault",
  workingsetActivate: "workingset_activate",
  workingsetNodereclaim: "workingset_nodereclaim",
  workingsetRefaultAnon: "workingset_refault_anon",
  workingsetRefaultFile: "workingset_refault_file",
  workingsetActivateAnon: "workingset_activate_anon",
  workingsetActivateFile: "workingset_activate_file",
  pgrefill: "pgrefill",
  pgscan: "pgscan",
  pgsteal: "pgsteal",
  pgactivate: "pgactivate",
  pgdeactivate: "pgdeactivate",
  pglazyfree: "pglazyfree",
  pglazyfreed: "pglazyfreed",
  thpFaultAlloc: "thp_fault_alloc",
  thpCollapseAlloc: "thp_collapse_alloc",
} as const;

const MEMORY_EVENTS = {
  low: "low",
  high: "high",
  max: "max",
  oom: "oom",
  oomKill: "oom_kill",
  oomGroupKill: "oom_group_kill",
} as const;

const IO_STAT = { rbytes: "rbytes", wbytes: "wbytes", rios: "rios", wios: "wios" } as const;

/**
 * The figures of a container on v2, in the fields of `io.containerd.cgroups.v2.Metrics`. What no file tells is 0,
 * a limit of `max` the largest number. Network figures are nobody's: the daemon takes them from the pod's network.
 */
export async function readV2Stats(dir: string) {
  const from = <T>(read: (dir: string) => Promise<T>) => inTurn(() => read(dir));
  const [pids, cpu, memory, memoryEvents, ioStat, rdma, hugetlb] = await Promise.all([
    from(readPids),
    from(readCpu),
    from(readMemory),
    from(readMemoryEvents),
    from(readIo),
    from(readRdma),
    from(readHugetlb),
  ]);
  return { pids, cpu, memory, memoryEvents, io: ioStat, rdma, hugetlb };
}

async function readPids(dir: string) {
  return { current: await readCount(dir, "pids.current"), limit: await readCount(dir, "pids.max") };
}

async function readCpu(dir: string) {
  const stat = parseNamed(await readCgroupFile(dir, "cpu.stat"));
  return { ...pick(stat, CPU_STAT), psi: await readPressure(dir, "cpu.pressure") };
}

async function readMemory(dir: string) {
  return {
    ...pick(parseNamed(await readCgroupFile(dir, "memory.stat")), MEMORY_STAT),
    usage: await readCount(dir, "memory.current"),
    usageLimit: await readCount(dir, "memory.max"),
    maxUsage: await readCount(dir, "memory.peak"),
    swapUsage: await readCount(dir, "memory.swap.current"),
    swapLimit: await readCount(dir, "memory.swap.max"),
    swapMaxUsage: await readCount(dir, "memory.swap.peak"),
    psi: await readPressure(dir, "memory.pressure"),
  };
}

async function readMemoryEvents(dir: string) {
  const text = await readCgroupFile(dir, "memory.events");
  return text === undefined ? null : pick(parseNamed(text), MEMORY_EVENTS);
}

async function readIo(dir: string) {
  return {
    usage: parseIoStat(await readCgroupFile(dir, "io.stat")),
    psi: await readPressure(dir, "io.pressure"),
  };
}

/** Lines `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0`; a device that did nothing has its number alone. */
export function parseIoStat(text: string | undefined) {
  return linesOf(text).flatMap((line) => {
    const [device = "", ...words] = line.split(" ");
    const [, major, minor] = /^(\d+):(\d+)$/.exec(device) ?? [];
    const pairs = words.filter((word) => word.includes("="));
    if (major === undefined || pairs.length === 0) return [];
    return [{ major: Number(major), minor: Number(minor), ...pick(parsePairs(pairs), IO_STAT) }];
  });
}

async function readHugetlb(dir: string) {
  const entries = [];
  for (const pagesize of await hugePageSizes(dir, "current")) {
    const prefix = `hugetlb.${pagesize}`;
    entries.push({
      pagesize,
      current: await readCount(dir, `${prefix}.current`),
      max: await readCount(dir, `${prefix}.max`),
      failcnt: parseNamed(await readCgroupFile(dir, `${prefix}.events`)).get("max") ?? 0,
    });
  }
  return entries;
}

async function readPressure(dir: string, name: string) {
  return parsePressure(await readCgroupFile(dir, name));
}

/** Lines `some avg10=0.00 avg60=0.12 avg300=0.05 total=815`; null where the kernel does not measure pressure. */
export function parsePressure(text: string | undefined) {
  const rows = linesOf(text).map((line) => line.split(" "));
  if (rows.length === 0) return null;
  const row = (kind: string) => {
    const words = rows.find(([first]) => first === kind);
    if (words === undefined) return null;
    const values = new Map(words.slice(1).map((word) => word.split("=") as [string, string]));
    const share = (name: string) => Number(values.get(name) ?? 0);
    return {
      avg10: share("avg10"),
      avg60: share("avg60"),
      avg300: share("avg300"),
      total: parseCount(values.get("total")),
    };
  };
  return { some: row("some"), full: row("full") };
}

async function readCount(dir: string, name: string): Promise<Count> {
  return parseCount(await readCgroupFile(dir, name), UNLIMITED);
}

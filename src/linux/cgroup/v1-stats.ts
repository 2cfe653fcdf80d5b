import { readBlkio } from "./blkio.ts";
import type { V1Dirs } from "./dirs.ts";
import { hugePageSizes, inTurn, readCgroupFile } from "./files.ts";
import { readRdma } from "./rdma.ts";
import { type Count, parseCount, parseNamed, pick } from "./values.ts";

/** Nanoseconds in a clock tick, in which cpuacct.stat counts: USER_HZ is 100 on every architecture (time(7)). */
const TICK_NS = 10_000_000n;

/** The fields of memory.stat, and their names there. */
const MEMORY_STAT = {
  cache: "cache",
  rss: "rss",
  rssHuge: "rss_huge",
  mappedFile: "mapped_file",
  dirty: "dirty",
  writeback: "writeback",
  pgPgIn: "pgpgin",
  pgPgOut: "pgpgout",
  pgFault: "pgfault",
  pgMajFault: "pgmajfault",
  inactiveAnon: "inactive_anon",
  activeAnon: "active_anon",
  inactiveFile: "inactive_file",
  activeFile: "active_file",
  unevictable: "unevictable",
  hierarchicalMemoryLimit: "hierarchical_memory_limit",
  hierarchicalSwapLimit: "hierarchical_memsw_limit",
  totalCache: "total_cache",
  totalRss: "total_rss",
  totalRssHuge: "total_rss_huge",
  totalMappedFile: "total_mapped_file",
  totalDirty: "total_dirty",
  totalWriteback: "total_writeback",
  totalPgPgIn: "total_pgpgin",
  totalPgPgOut: "total_pgpgout",
  totalPgFault: "total_pgfault",
  totalPgMajFault: "total_pgmajfault",
  totalInactiveAnon: "total_inactive_anon",
  totalActiveAnon: "total_active_anon",
  totalInactiveFile: "total_inactive_file",
  totalActiveFile: "total_active_file",
  totalUnevictable: "total_unevictable",
} as const;

const OOM_CONTROL = {
  oomKillDisable: "oom_kill_disable",
  underOom: "under_oom",
  oomKill: "oom_kill",
} as const;

const THROTTLING = {
  periods: "nr_periods",
  throttledPeriods: "nr_throttled",
  throttledTime: "throttled_time",
} as const;

/**
 * The figures of a container on v1, in the fields of `io.containerd.cgroups.v1.Metrics`. A controller that the
 * container has no group in is left out, a file that is not there counts as 0. Network figures and those of tasks by
 * state are nobody's: the Go shim sends none either, its daemon takes the former from the pod's network.
 */
export async function readV1Stats(dirs: V1Dirs) {
  const [throttling, usage, memory, oom, pids, blkio, rdma, hugetlb] = await Promise.all([
    from(dirs.cpu, readThrottling),
    from(dirs.cpuacct, readUsage),
    from(dirs.memory, readMemory),
    from(dirs.memory, readOomControl),
    from(dirs.pids, readPids),
    from(dirs.blkio, readBlkio),
    from(dirs.rdma, readRdma),
    from(dirs.hugetlb, readHugetlb),
  ]);
  const cpu = { throttling: throttling ?? {}, usage: usage ?? {} };
  return { cpu, memory, memoryOomControl: oom, pids, blkio, rdma, hugetlb };
}

/** Null where there is no such directory: a message leaves such a field out. */
async function from<T>(dir: string | undefined, read: (dir: string) => Promise<T>): Promise<T | null> {
  return dir === undefined ? null : await inTurn(() => read(dir));
}

async function readThrottling(dir: string) {
  return pick(parseNamed(await readCgroupFile(dir, "cpu.stat")), THROTTLING);
}

async function readUsage(dir: string) {
  const ticks = parseNamed(await readCgroupFile(dir, "cpuacct.stat"));
  const perCpu = await readCgroupFile(dir, "cpuacct.usage_percpu");
  const nanoseconds = (name: string) => BigInt(ticks.get(name) ?? 0) * TICK_NS;
  return {
    total: await readCount(dir, "cpuacct.usage"),
    user: nanoseconds("user"),
    kernel: nanoseconds("system"),
    perCpu: (perCpu?.trim().split(/\s+/) ?? []).map((text) => parseCount(text)),
  };
}

async function readMemory(dir: string) {
  return {
    ...pick(parseNamed(await readCgroupFile(dir, "memory.stat")), MEMORY_STAT),
    usage: await readMemoryEntry(dir, "memory"),
    swap: await readMemoryEntry(dir, "memory.memsw"),
    kernel: await readMemoryEntry(dir, "memory.kmem"),
    kernelTcp: await readMemoryEntry(dir, "memory.kmem.tcp"),
  };
}

async function readMemoryEntry(dir: string, prefix: string) {
  return {
    usage: await readCount(dir, `${prefix}.usage_in_bytes`),
    max: await readCount(dir, `${prefix}.max_usage_in_bytes`),
    failcnt: await readCount(dir, `${prefix}.failcnt`),
    limit: await readCount(dir, `${prefix}.limit_in_bytes`),
  };
}

async function readOomControl(dir: string) {
  return pick(parseNamed(await readCgroupFile(dir, "memory.oom_control")), OOM_CONTROL);
}

async function readPids(dir: string) {
  return { current: await readCount(dir, "pids.current"), limit: await readCount(dir, "pids.max") };
}

async function readHugetlb(dir: string) {
  const entries = [];
  for (const pagesize of await hugePageSizes(dir, "usage_in_bytes")) {
    const prefix = `hugetlb.${pagesize}`;
    entries.push({
      pagesize,
      usage: await readCount(dir, `${prefix}.usage_in_bytes`),
      max: await readCount(dir, `${prefix}.max_usage_in_bytes`),
      failcnt: await readCount(dir, `${prefix}.failcnt`),
    });
  }
  return entries;
}

async function readCount(dir: string, name: string): Promise<Count> {
  return parseCount(await readCgroupFile(dir, name));
}

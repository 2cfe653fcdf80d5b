import { readBlkio } from "./blkio.ts";
import type { V1Dirs } from "./dirs.ts";
import { hugePageSizes, readCgroupFile } from "./files.ts";
import { type Count, parseCount, parseNamed, parseRdma, pick } from "./values.ts";

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
  return dir === undefined ? null : await read(dir);
}

async function readThrottling(dir: string) {
  return pick(parseNamed(await readCgroupFile(dir, "cpu.stat")), THROTTLING);
}

async function readUsage(dir: string) {
  const [total, stat, perCpu] = await Promise.all([
    readCgroupFile(dir, "cpuacct.usage"),
    readCgroupFile(dir, "cpuacct.stat"),
    readCgroupFile(dir, "cpuacct.usage_percpu"),
  ]);
  const ticks = parseNamed(stat);
  const nanoseconds = (name: string) => BigInt(ticks.get(name) ?? 0) * TICK_NS;
  return {
    total: parseCount(total),
    user: nanoseconds("user"),
    kernel: nanoseconds("system"),
    perCpu: (perCpu?.trim().split(/\s+/) ?? []).map((text) => parseCount(text)),
  };
}

async function readMemory(dir: string) {
  const [stat, usage, swap, kernel, kernelTcp] = await Promise.all([
    readCgroupFile(dir, "memory.stat"),
    readMemoryEntry(dir, "memory"),
    readMemoryEntry(dir, "memory.memsw"),
    readMemoryEntry(dir, "memory.kmem"),
    readMemoryEntry(dir, "memory.kmem.tcp"),
  ]);
  return { ...pick(parseNamed(stat), MEMORY_STAT), usage, swap, kernel, kernelTcp };
}

async function readMemoryEntry(dir: string, prefix: string) {
  const [usage, max, failcnt, limit] = await Promise.all([
    readCount(dir, `${prefix}.usage_in_bytes`),
    readCount(dir, `${prefix}.max_usage_in_bytes`),
    readCount(dir, `${prefix}.failcnt`),
    readCount(dir, `${prefix}.limit_in_bytes`),
  ]);
  return { usage, max, failcnt, limit };
}

async function readOomControl(dir: string) {
  return pick(parseNamed(await readCgroupFile(dir, "memory.oom_control")), OOM_CONTROL);
}

async function readPids(dir: string) {
  const [current, limit] = await Promise.all([readCount(dir, "pids.current"), readCount(dir, "pids.max")]);
  return { current, limit };
}

async function readRdma(dir: string) {
  const [current, limit] = await Promise.all([
    readCgroupFile(dir, "rdma.current"),
    readCgroupFile(dir, "rdma.max"),
  ]);
  return { current: parseRdma(current), limit: parseRdma(limit) };
}

async function readHugetlb(dir: string) {
  const sizes = await hugePageSizes(dir, "usage_in_bytes");
  return Promise.all(
    sizes.map(async (pagesize) => {
      const [usage, max, failcnt] = await Promise.all([
        readCount(dir, `hugetlb.${pagesize}.usage_in_bytes`),
        readCount(dir, `hugetlb.${pagesize}.max_usage_in_bytes`),
        readCount(dir, `hugetlb.${pagesize}.failcnt`),
      ]);
      return { pagesize, usage, max, failcnt };
    }),
  );
}

async function readCount(dir: string, name: string): Promise<Count> {
  return parseCount(await readCgroupFile(dir, name));
}

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { parseBlkio, parsePartitions } from "../../src/linux/cgroup/blkio.ts";
import { readV1Stats } from "../../src/linux/cgroup/v1-stats.ts";
import { parseIoStat, parsePressure, readV2Stats } from "../../src/linux/cgroup/v2-stats.ts";
import { UNLIMITED } from "../../src/linux/cgroup/values.ts";
import { withTempDir } from "../support/files.ts";
import { layOutCgroup, v1Dirs } from "./recorded-cgroup.ts";

/** What v1 says where nothing limits memory: 2^63 - 4096. */
const NO_LIMIT = 9_223_372_036_854_771_712n;

describe("the figures of a container on v1", () => {
  test("are those of its files", async () => {
    await withTempDir(async (dir) => {
      layOutCgroup("v1", dir);
      const { cpu, memory, memoryOomControl, pids, blkio, rdma, hugetlb } = await readV1Stats(v1Dirs(dir));
      assert.deepEqual(cpu, {
        throttling: { periods: 21, throttledPeriods: 13, throttledTime: 308_188_325 },
        usage: {
          total: 846_229_803,
          user: 740_000_000n,
          kernel: 100_000_000n,
          perCpu: [555_116_690, 291_113_113],
        },
      });
      assert.deepEqual(memory?.usage, { usage: 221_184, max: 67_108_864, failcnt: 138, limit: 67_108_864 });
      assert.deepEqual(memory?.swap, { usage: 221_184, max: 67_371_008, failcnt: 0, limit: NO_LIMIT });
      assert.deepEqual(memory?.kernel, { usage: 73_728, max: 413_696, failcnt: 0, limit: NO_LIMIT });
      assert.deepEqual(memory?.kernelTcp, { usage: 0, max: 0, failcnt: 0, limit: NO_LIMIT });
      assert.deepEqual(memoryOomControl, { oomKillDisable: 0, underOom: 0, oomKill: 1 });
      assert.deepEqual(pids, { current: 1, limit: 64 });
      const [first] = blkio?.ioServiceBytesRecursive ?? [];
      assert.deepEqual([first?.op, first?.major, first?.minor, first?.value], ["Read", 254, 0, 8_388_608]);
      assert.deepEqual(
        blkio?.ioServicedRecursive?.map(({ op, value }) => `${op} ${value}`),
        ["Read 16", "Write 7", "Sync 24", "Async 2", "Discard 3", "Total 26"],
      );
      assert.deepEqual([rdma, hugetlb], [null, null]);
    });
  });

  test("have each line of memory.stat in the field of its name", async () => {
    await withTempDir(async (dir) => {
      layOutCgroup("v1", dir);
      const names = lineNames(path.join(dir, "memory/memory.stat"));
      const other: Record<string, string> = { hierarchicalMemswLimit: "hierarchicalSwapLimit" };
      const fieldOf = (name: string) => {
        const field = camelCase(name.replace(/pg(pg|maj)?(in|out|fault)/, (_, a = "", b) => `pg_${a}_${b}`));
        return other[field] ?? field;
      };
      await assertFields(names, fieldOf, async (text) => {
        fs.writeFileSync(path.join(dir, "memory/memory.stat"), text);
        return (await readV1Stats(v1Dirs(dir))).memory ?? {};
      });
    });
  });

  test("are zeros where a file is missing, and left out where the container has no such group", async () => {
    await withTempDir(async (dir) => {
      layOutCgroup("v1", dir);
      for (const name of ["memory/memory.memsw.usage_in_bytes", "cpuacct/cpuacct.stat"])
        fs.rmSync(path.join(dir, name));
      fs.rmSync(path.join(dir, "pids"), { recursive: true });
      const { cpu, memory, pids } = await readV1Stats(v1Dirs(dir));
      assert.equal(memory?.swap.usage, 0);
      assert.equal(memory?.kernel.usage, 73_728);
      const { user, total }: { user?: unknown; total?: unknown } = cpu.usage;
      assert.deepEqual([user, total], [0n, 846_229_803]);
      assert.equal(pids, null);
      assert.deepEqual(await readV1Stats({}), {
        cpu: { throttling: {}, usage: {} },
        memory: null,
        memoryOomControl: null,
        pids: null,
        blkio: null,
        rdma: null,
        hugetlb: null,
      });
    });
  });

  test("count huge pages by their size", async () => {
    await withTempDir(async (dir) => {
      const values = { usage_in_bytes: 1, max_usage_in_bytes: 2, failcnt: 3, limit_in_bytes: 4 };
      for (const [name, value] of Object.entries(values)) {
        fs.writeFileSync(path.join(dir, `hugetlb.2MB.${name}`), `${value}\n`);
        fs.writeFileSync(path.join(dir, `hugetlb.2MB.rsvd.${name}`), "9\n");
      }
      const { hugetlb } = await readV1Stats({ hugetlb: dir });
      assert.deepEqual(hugetlb, [{ pagesize: "2MB", usage: 1, max: 2, failcnt: 3 }]);
    });
  });

  test("are those of the CFQ scheduler where it counted any", async () => {
    await withTempDir(async (dir) => {
      layOutCgroup("v1", dir);
      const blkio = path.join(dir, "blkio");
      for (const name of ["io_service_bytes_recursive", "io_serviced_recursive"]) {
        fs.writeFileSync(path.join(blkio, `blkio.${name}`), "Total 0\n");
      }
      const before = await readV1Stats({ blkio });
      assert.equal(before.blkio?.ioServicedRecursive?.length, 6);
      fs.writeFileSync(path.join(blkio, "blkio.sectors_recursive"), "8:0 77\n");
      const { blkio: cfq } = await readV1Stats({ blkio });
      assert.equal(cfq?.sectorsRecursive?.[0]?.value, 77);
      assert.deepEqual(cfq?.ioServicedRecursive, []);
    });
  });
});

test("block devices have their names from the list of partitions", () => {
  const devices = parsePartitions(
    "major minor  #blocks  name\n\n 254        0  268435456 vda\n   8       17 1 sdb1\n",
  );
  const entries = parseBlkio("254:0 Read 5\n8:17 6\n9:9 Write 18446744073709551615\nTotal 7\n", devices);
  assert.deepEqual(entries, [
    { op: "Read", device: "/dev/vda", major: 254, minor: 0, value: 5 },
    { op: "", device: "/dev/sdb1", major: 8, minor: 17, value: 6 },
    { op: "Write", device: "", major: 9, minor: 9, value: UNLIMITED },
  ]);
});

describe("the figures of a container on v2", () => {
  test("are those of its files", async () => {
    await withTempDir(async (dir) => {
      layOutCgroup("v2", dir);
      const { cpu, memory, ...others } = await readV2Stats(dir);
      const { psi, ...counts } = cpu;
      assert.deepEqual(counts, {
        usageUsec: 3_257_724_361,
        userUsec: 2_205_399_324,
        systemUsec: 1_052_325_037,
        nrPeriods: 210,
        nrThrottled: 13,
        throttledUsec: 308_188,
        nrBursts: 2,
        burstUsec: 17,
      });
      assert.deepEqual(psi?.some, { avg10: 79.43, avg60: 53.77, avg300: 54.62, total: 1_071_100_789 });
      assert.deepEqual(
        [memory.usage, memory.usageLimit, memory.maxUsage],
        [9_437_184, 67_108_864, 67_108_864],
      );
      assert.deepEqual(
        [memory.swapUsage, memory.swapLimit, memory.swapMaxUsage],
        [12_288, UNLIMITED, 16_384],
      );
      assert.equal(memory.psi?.full?.total, 2_057);
      assert.deepEqual(others, {
        pids: { current: 3, limit: UNLIMITED },
        memoryEvents: { low: 0, high: 5, max: 138, oom: 2, oomKill: 1, oomGroupKill: 0 },
        io: {
          usage: [
            { major: 254, minor: 0, rbytes: 8_388_608, wbytes: 11_542_528, rios: 16, wios: 7 },
            { major: 8, minor: 16, rbytes: 4_096, wbytes: 0, rios: 1, wios: 0 },
          ],
          psi: {
            some: { avg10: 22.57, avg60: 33, avg300: 37.05, total: 753_311_606 },
            full: { avg10: 2.86, avg60: 14.39, avg300: 15.36, total: 292_020_070 },
          },
        },
        rdma: {
          current: [
            { device: "mlx4_0", hcaHandles: 2, hcaObjects: 2_000 },
            { device: "ocrdma1", hcaHandles: 0, hcaObjects: 0 },
          ],
          limit: [
            { device: "mlx4_0", hcaHandles: 20, hcaObjects: 4_294_967_295 },
            { device: "ocrdma1", hcaHandles: 4_294_967_295, hcaObjects: 4_294_967_295 },
          ],
        },
        hugetlb: [
          { pagesize: "1GB", current: 0, max: UNLIMITED, failcnt: 0 },
          { pagesize: "2MB", current: 4_194_304, max: 8_388_608, failcnt: 3 },
        ],
      });
    });
  });

  test("have each line of memory.stat in the field of its name", async () => {
    await withTempDir(async (dir) => {
      layOutCgroup("v2", dir);
      const file = path.join(dir, "memory.stat");
      // Those without a kind are of kernels that did not tell anonymous from file pages here.
      const names = [...lineNames(file), "workingset_refault", "workingset_activate"];
      await assertFields(names, camelCase, async (text) => {
        fs.writeFileSync(file, text);
        return (await readV2Stats(dir)).memory;
      });
    });
  });

  test("are zeros and nothing where there are no files", async () => {
    await withTempDir(async (dir) => {
      const { cpu, memory, pids, ...others } = await readV2Stats(dir);
      assert.deepEqual([cpu.usageUsec, cpu.psi, memory.usage, memory.psi], [0, null, 0, null]);
      assert.deepEqual(pids, { current: 0, limit: 0 });
      assert.deepEqual(others, {
        memoryEvents: null,
        io: { usage: [], psi: null },
        rdma: { current: [], limit: [] },
        hugetlb: [],
      });
    });
  });
});

test("a device without figures, and a pressure of one kind, are nothing to stumble over", () => {
  assert.deepEqual(parseIoStat("7:0 \n(unknown) rbytes=1\n8:0\n"), []);
  const { some, full } =
    parsePressure("some avg10=1.50 avg60=0.00 avg300=0.00 total=9007199254740993\n") ?? {};
  assert.deepEqual([some?.avg10, some?.total, full], [1.5, 9_007_199_254_740_993n, null]);
});

const lineNames = (file: string) =>
  fs
    .readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "");

const camelCase = (name: string) => name.replace(/_+([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Gives each line a value of its own and asserts that every field has the value of its line. */
async function assertFields(
  names: readonly string[],
  fieldOf: (name: string) => string,
  read: (text: string) => Promise<object>,
): Promise<void> {
  const figures: Record<string, unknown> = {
    ...(await read(names.map((name, i) => `${name} ${i + 1}\n`).join(""))),
  };
  const filled = Object.keys(figures).filter((field) => typeof figures[field] === "number");
  const expected = new Map(names.map((name, i) => [fieldOf(name), i + 1]));
  const fromFile = filled.filter((field) => expected.has(field));
  for (const field of fromFile) assert.equal(figures[field], expected.get(field), field);
  const notFromFile = ["usage", "usageLimit", "maxUsage", "swapUsage", "swapLimit", "swapMaxUsage"];
  assert.deepEqual(
    filled.filter((field) => !expected.has(field) && !notFromFile.includes(field)),
    [],
  );
}

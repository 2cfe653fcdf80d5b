import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decodeFigures } from "../../src/client/figures.ts";
import { io } from "../../src/proto/metrics.ts";

const { v1, v2 } = io.containerd.cgroups;

describe("the figures of a container", () => {
  test("are read from those of control groups of version 1", () => {
    const value = v1.Metrics.encode({
      cpu: { usage: { total: 5_000 } },
      memory: { usage: { usage: 300, limit: 64 << 20 }, totalInactiveFile: 100 },
      pids: { current: 3 },
      blkio: {
        ioServiceBytesRecursive: [
          { op: "Read", value: 10 },
          { op: "Read", value: 20 },
          { op: "Write", value: 7 },
          { op: "Total", value: 37 },
        ],
      },
    }).finish();
    assert.deepEqual(decodeFigures({ typeUrl: "io.containerd.cgroups.v1.Metrics", value }), {
      ...{ cpuNs: 5_000, memoryBytes: 200, memoryLimitBytes: 64 << 20, pids: 3 },
      ...{ readBytes: 30, writtenBytes: 7 },
    });
  });

  test("are read from those of control groups of version 2", () => {
    const value = v2.Metrics.encode({
      cpu: { usageUsec: 5 },
      memory: { usage: 300, usageLimit: 1 << 20, inactiveFile: 100 },
      pids: { current: 3 },
      io: { usage: [{ rbytes: 10, wbytes: 1 }, { rbytes: 20 }] },
    }).finish();
    assert.deepEqual(
      decodeFigures({ typeUrl: "types.containerd.io/io.containerd.cgroups.v2.Metrics", value }),
      {
        ...{ cpuNs: 5_000, memoryBytes: 200, memoryLimitBytes: 1 << 20, pids: 3 },
        ...{ readBytes: 30, writtenBytes: 1 },
      },
    );
  });

  test("know of no limit where the kernel says the most there is", () => {
    const old = v1.Metrics.encode({ memory: { usage: { usage: 1, limit: 0x7ffffffffffff000 } } }).finish();
    const typeUrl = "io.containerd.cgroups.v1.Metrics";
    assert.equal(decodeFigures({ typeUrl, value: old }).memoryLimitBytes, undefined);
    const recent = v2.Metrics.encode({ memory: { usage: 1, usageLimit: 2 ** 64 } }).finish();
    const figures = decodeFigures({ typeUrl: "io.containerd.cgroups.v2.Metrics", value: recent });
    assert.equal(figures.memoryLimitBytes, undefined);
  });

  test("are none where there is nothing", () => {
    const figures = decodeFigures({ typeUrl: "io.containerd.cgroups.v2.Metrics" });
    assert.deepEqual(Object.values(figures), [0, 0, undefined, 0, 0, 0]);
  });

  test("of another type are refused by its name", () => {
    assert.throws(() => decodeFigures({ typeUrl: "other" }), /figures of the type "other" are not known/);
  });
});

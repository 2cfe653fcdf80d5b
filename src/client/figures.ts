import { StatusCode, StatusError } from "../base/status.ts";
import type { google } from "../proto/index.ts";
import { io } from "../proto/metrics.ts";

const V1 = io.containerd.cgroups.v1.Metrics;
const V2 = io.containerd.cgroups.v2.Metrics;

/** From here on a limit stands for none: the kernel writes the largest number of pages that there could be. */
const NO_LIMIT = 2 ** 62;

/** What a container has used so far and uses now, of either version of control groups. */
export interface Figures {
  /** Processor time since its beginning, in nanoseconds. */
  readonly cpuNs: number;
  /** Memory that cannot be had back at once: without files that were read and may be read again. */
  readonly memoryBytes: number;
  /** Undefined where there is no limit. */
  readonly memoryLimitBytes: number | undefined;
  readonly pids: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/** The figures that a shim has answered to Stats; `unimplemented` for a message that is neither version's. */
export function decodeFigures({ typeUrl, value }: google.protobuf.IAny): Figures {
  const bytes = value ?? new Uint8Array();
  const type = (typeUrl ?? "").replace(/^.*\//, "");
  if (type === "io.containerd.cgroups.v1.Metrics") return ofVersion1(V1.decode(bytes));
  if (type === "io.containerd.cgroups.v2.Metrics") return ofVersion2(V2.decode(bytes));
  throw new StatusError(
    StatusCode.unimplemented,
    `figures of the type ${JSON.stringify(type)} are not known`,
  );
}

function ofVersion1({ cpu, memory, pids, blkio }: io.containerd.cgroups.v1.IMetrics): Figures {
  const entries = blkio?.ioServiceBytesRecursive ?? [];
  const moved = (name: string) =>
    sum(entries.filter(({ op }) => op?.toLowerCase() === name).map(({ value }) => value ?? 0));
  return {
    cpuNs: cpu?.usage?.total ?? 0,
    memoryBytes: atLeastNone((memory?.usage?.usage ?? 0) - (memory?.totalInactiveFile ?? 0)),
    memoryLimitBytes: limitOf(memory?.usage?.limit),
    pids: pids?.current ?? 0,
    readBytes: moved("read"),
    writtenBytes: moved("write"),
  };
}

function ofVersion2({ cpu, memory, pids, io: moved }: io.containerd.cgroups.v2.IMetrics): Figures {
  const entries = moved?.usage ?? [];
  return {
    cpuNs: (cpu?.usageUsec ?? 0) * 1000,
    memoryBytes: atLeastNone((memory?.usage ?? 0) - (memory?.inactiveFile ?? 0)),
    memoryLimitBytes: limitOf(memory?.usageLimit),
    pids: pids?.current ?? 0,
    readBytes: sum(entries.map(({ rbytes }) => rbytes ?? 0)),
    writtenBytes: sum(entries.map(({ wbytes }) => wbytes ?? 0)),
  };
}

function limitOf(limit: number | null | undefined): number | undefined {
  return limit === null || limit === undefined || limit === 0 || limit >= NO_LIMIT ? undefined : limit;
}

function atLeastNone(bytes: number): number {
  return Math.max(0, bytes);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

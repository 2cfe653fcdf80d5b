import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, mkdirSync, openSync } from "node:fs";
import path from "node:path";
import { busyboxPath } from "../../lab/busybox-rootfs.ts";
import { within } from "../../src/base/deadline.ts";
import { makeFifos } from "../../src/client/fifo.ts";
import { compare, type Figure } from "../comparison.ts";
import { BenchContainer, type Output } from "../container.ts";
import type { BenchLab } from "../lab.ts";
import { cpuSeconds } from "../process-cost.ts";
import type { Row } from "../result.ts";
import { inRounds } from "../rounds.ts";
import type { Shim } from "../shims.ts";

const MIB = 1 << 20;
const COUNT = 4096;
const WRITER = ["dd", "if=/dev/zero", `bs=${MIB}`, `count=${COUNT}`];
/** Nobody writes as slowly as that, in milliseconds for all. */
const READ_MS = 300_000;

const FIGURES: readonly Figure<"rate" | "cpu">[] = [
  { key: "rate", title: "the reader gets", unit: "GB/s", better: "more" },
  { key: "cpu", title: "processor time of the shim meanwhile", unit: "s" },
];

/** A shim between writer and reader, or none. */
interface Way {
  readonly label: string;
  readonly shim?: Shim;
}

/** How fast output gets to who reads it. */
export const stdout: Row = {
  name: "stdout",
  async run(lab) {
    const ways = lab.shims.map((shim): Way => ({ label: shim.label, shim }));
    const reference = ways.find(({ shim }) => shim === lab.reference);
    const subjects = [...ways, { label: "the same pipe without a shim" }];
    const samples = await inRounds(lab, { name: "stdout", subjects, usual: 3 }, (way) => sample(lab, way));
    return {
      title: "Output",
      how: `${COUNT / 1024} GiB of zeros from a container's stdout through a named pipe to a reader that only counts them.`,
      tables: compare(FIGURES, samples, reference),
    };
  },
};

async function sample(lab: BenchLab, { shim }: Way): Promise<{ rate: number; cpu: number }> {
  const output = pipesIn(path.join(lab.dir, `pipes-${lab.newId()}`));
  await makeFifos(Object.values(output));
  // Nobody reads what the writer says in the end, and it is to wait for nobody.
  const keeper = openSync(output.stderr, constants.O_RDWR | constants.O_NONBLOCK);
  const reader = read(output.stdout, lab.signal);
  // Where the container fails, that is to be told, not that its reader is ended then.
  reader.catch(() => {});
  try {
    return await (shim === undefined ? plain(output, reader) : throughShim(lab, shim, { output, reader }));
  } finally {
    closeSync(keeper);
  }
}

function pipesIn(dir: string): Output {
  mkdirSync(dir);
  return { stdout: path.join(dir, "stdout"), stderr: path.join(dir, "stderr") };
}

/** Resolves when the reader has all of it. It does not wait for the end: a shim may keep the pipe open. */
async function read(fifo: string, signal: AbortSignal): Promise<void> {
  const args = [
    `if=${fifo}`,
    "of=/dev/null",
    `bs=${MIB}`,
    `count=${COUNT}`,
    "iflag=fullblock",
    "status=none",
  ];
  await ended(spawn("dd", args, { stdio: "inherit", signal }), "the reader of a container's output");
}

async function throughShim(
  lab: BenchLab,
  shim: Shim,
  { output, reader }: { readonly output: Output; readonly reader: Promise<void> },
): Promise<{ rate: number; cpu: number }> {
  const container = await BenchContainer.prepare(lab, shim, { args: WRITER, output });
  await container.start();
  await container.connect();
  await container.create();
  const cpuBefore = cpuSeconds(container.shimPid);
  const before = performance.now();
  await container.run();
  await reader;
  const seconds = (performance.now() - before) / 1000;
  const cpu = cpuSeconds(container.shimPid) - cpuBefore;
  await container.wait();
  await container.delete();
  await container.shutdown();
  await container.remove();
  return { rate: (COUNT * MIB) / 1e9 / seconds, cpu };
}

async function plain(
  { stdout, stderr }: Output,
  reader: Promise<void>,
): Promise<{ rate: number; cpu: number }> {
  const script = 'exec "$@" >"$0" 2>"$ERR"';
  const args = ["-c", script, stdout, busyboxPath() ?? "busybox", ...WRITER];
  const before = performance.now();
  const writer = spawn("sh", args, { stdio: "inherit", env: { ...process.env, ERR: stderr } });
  await Promise.all([reader, ended(writer, "the writer")]);
  const seconds = (performance.now() - before) / 1000;
  return { rate: (COUNT * MIB) / 1e9 / seconds, cpu: 0 };
}

async function ended(child: ReturnType<typeof spawn>, what: string): Promise<void> {
  const [status] = await within(once(child, "exit"), READ_MS, what);
  if (status !== 0) throw new Error(`${what} ended with exit status ${status}`);
}

import { compare, type Figure } from "../comparison.ts";
import { interleave } from "../interleave.ts";
import type { BenchLab } from "../lab.ts";
import type { ResultTable, Row } from "../result.ts";
import { type EchoRun, type Load, runEcho } from "../ttrpc/echo-run.ts";
import { bundle, goPrograms, type Programs, whyNoGo } from "../ttrpc/programs.ts";
import { runtimes } from "../ttrpc/runtimes.ts";

const ROUNDS = 10;

/** What each client does, one after the other, with the same server. */
const LOADS = {
  one: { bytes: 64, atOnce: 1, calls: 10_000 },
  many: { bytes: 64, atOnce: 64, calls: 60_000 },
  large: { bytes: 64 << 10, atOnce: 1, calls: 2_000 },
} as const satisfies Record<string, Load>;

const FIGURES = [
  { key: "oneUs", title: "64 bytes, one call at a time", unit: "µs" },
  { key: "oneP99Us", title: "which 99 of 100 do not exceed", unit: "µs" },
  { key: "one", title: "64 bytes, one at a time, a second", unit: "calls", better: "more" },
  { key: "many", title: "64 bytes, 64 at a time, a second", unit: "calls", better: "more" },
  { key: "serverUs", title: "processor time of the server for one of these", unit: "µs" },
  { key: "large", title: "64 KiB, one at a time, a second", unit: "calls", better: "more" },
  { key: "memory", title: "memory of the server afterwards", unit: "MB" },
  { key: "anonymous", title: "of that in no file", unit: "MB" },
] as const satisfies readonly Figure[];

type Sample = Readonly<Record<(typeof FIGURES)[number]["key"], number>>;

interface Subject {
  readonly label: string;
  readonly programs: Programs;
}

/** An echo between two processes. */
export const ttrpc: Row = {
  name: "ttrpc",
  whyNot: whyNoGo,
  async run(lab) {
    const { go, alone, mixed } = await subjectsOf(lab);
    const subjects = [...alone, go, ...mixed];
    const count = lab.rounds(ROUNDS);
    const samples = await interleave({ subjects, count, signal: lab.signal }, async (subject, round) => {
      lab.progress(`ttrpc: round ${round + 1} of ${count}, ${subject.label}`);
      return sampleOf(await runEcho(subject.programs, lab.dir, LOADS));
    });
    const tables = (these: readonly Subject[]): ResultTable[] =>
      compare(FIGURES, new Map(these.map((subject) => [subject, samples.get(subject) ?? []])), go);
    return {
      title: "The ttrpc library",
      how: "A server that answers with what it was asked and a client, two processes joined by a unix socket, both of this library and both of containerd's own in Go; then each end with the other library's.",
      // The second table has the reference only to be compared with it.
      tables: [...tables([...alone, go]), ...tables([...mixed, go]).map((table) => without(table, go.label))],
    };
  },
};

function without(table: ResultTable, label: string): ResultTable {
  return { ...table, subjects: table.subjects.filter((subject) => subject.label !== label) };
}

async function subjectsOf({ dir }: BenchLab) {
  const go = await goPrograms(dir);
  const [server, client] = [await bundle("server", dir), await bundle("client", dir)];
  const alone = (await runtimes()).map(({ label, command, env = process.env }) => {
    const programs: Programs = { server: [...command, server], client: [...command, client], env };
    return { label, programs };
  });
  const bun = { server: [process.execPath, server], client: [process.execPath, client] };
  const mixed: Subject[] = [
    { label: "ebb's client (Bun), Go's server", programs: { server: go.server, client: bun.client } },
    { label: "Go's client, ebb's server (Bun)", programs: { server: bun.server, client: go.client } },
  ];
  return { go: { label: "Go", programs: go }, alone, mixed };
}

function sampleOf({
  loads: { one, many, large },
  memoryMb,
  anonymousMb,
}: EchoRun<keyof typeof LOADS>): Sample {
  return {
    oneUs: one.p50Us,
    oneP99Us: one.p99Us,
    one: one.perSecond,
    many: many.perSecond,
    serverUs: many.serverUs,
    large: large.perSecond,
    memory: memoryMb,
    anonymous: anonymousMb,
  };
}

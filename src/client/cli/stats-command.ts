import { sleep } from "../../base/deadline.ts";
import { hasCode, StatusCode } from "../../base/status.ts";
import { viewsFromWire } from "../daemon/wire.ts";
import { decodeFigures, type Figures } from "../figures.ts";
import type { AddCommand } from "./command.ts";
import { print, printJson } from "./print.ts";
import { ScreenTable } from "./screen-table.ts";
import { bySupervisor, idOf, type SupervisorLink } from "./supervisor-link.ts";
import { describeTable, type TableOptions, tableOptions } from "./table.ts";
import { readSeconds } from "./values.ts";
import { sizeText } from "./words.ts";

const STATS_HELP = `
On a terminal the table is kept up to date until Ctrl-C; elsewhere it is printed once.
CPU is of one processor, so two that are busy are 200 %; MEMORY leaves out files that can be read again.

Examples:
  ebb stats
  ebb stats --json web | jq '.[0].memoryBytes'`;

const HEAD = ["CONTAINER", "CPU", "MEMORY", "LIMIT", "PIDS", "READ", "WRITTEN"];

/** Over how long the use of processors is measured where the table is printed once, in milliseconds. */
const SAMPLE_MS = 500;

interface StatsFlags {
  readonly stream: boolean;
  readonly json?: boolean;
  readonly interval: string;
}

/** What is known of a container at a time, in milliseconds of a clock that only goes forward. */
interface Sample {
  readonly id: string;
  readonly at: number;
  readonly figures: Figures;
}

/** A container and what it has used since the sample before. */
interface Reading extends Figures {
  readonly id: string;
  readonly cpuPercent: number;
}

/** Puts `ebb stats` into the program. */
export const addStats: AddCommand = (program, done) => {
  program
    .command("stats")
    .summary("show what containers use")
    .argument("[container...]", "ids, or beginnings of them that no other has (default: all that run)")
    .option("--no-stream", "print once, also on a terminal")
    .option("--interval <seconds>", "time between two readings", "1")
    .option("--json", "print once, as one JSON document: an array")
    .addHelpText("after", STATS_HELP)
    .action(async (names: string[], flags: StatsFlags) => {
      const intervalMs = Math.max(100, readSeconds("--interval", flags.interval));
      done(
        await bySupervisor("stats", async (link) => {
          const live = flags.stream && !flags.json && process.stdout.isTTY === true;
          return live ? showLive(link, names, intervalMs) : showOnce(link, names, flags);
        }),
      );
    });
};

async function showOnce(link: SupervisorLink, names: string[], { json }: StatsFlags): Promise<number> {
  const before = await samplesOf(link, names);
  if (before.length > 0) await sleep(SAMPLE_MS);
  const readings = compare(before, await samplesOf(link, names));
  return json ? printJson(readings) : print(tableOf(readings));
}

/** Ends by Ctrl-C, as any other program does that goes on until then. */
async function showLive(link: SupervisorLink, names: string[], intervalMs: number): Promise<number> {
  const screen = new ScreenTable(process.stdout);
  let before = await samplesOf(link, names);
  for (;;) {
    const now = await samplesOf(link, names);
    screen.show(tableOf(compare(before, now)));
    before = now;
    await sleep(intervalMs);
  }
}

async function samplesOf(link: SupervisorLink, names: readonly string[]): Promise<Sample[]> {
  const ids =
    names.length > 0 ? await Promise.all(names.map((name) => idOf(link, name))) : await running(link);
  const samples = await Promise.all(ids.map((id) => sampleOf(link, id, names.length > 0)));
  return samples.filter((sample) => sample !== undefined);
}

async function running(link: SupervisorLink): Promise<string[]> {
  const views = await viewsFromWire(link.calls.list({}));
  const alive = views.filter(({ status }) => ["running", "paused"].includes(status.phase));
  return alive.map(({ config }) => config.id);
}

/** Of a container that nobody has named, one that has just ended has nothing to show. */
async function sampleOf(link: SupervisorLink, id: string, named: boolean): Promise<Sample | undefined> {
  try {
    const figures = decodeFigures(await link.calls.stats({ id }));
    return { id, at: performance.now(), figures };
  } catch (error) {
    const gone = hasCode(error, StatusCode.notFound) || hasCode(error, StatusCode.failedPrecondition);
    if (named || !gone) throw error;
    return undefined;
  }
}

function compare(before: readonly Sample[], now: readonly Sample[]): Reading[] {
  return now.map(({ id, at, figures }) => {
    const earlier = before.find((sample) => sample.id === id);
    const ms = earlier === undefined ? 0 : at - earlier.at;
    const used = earlier === undefined ? 0 : figures.cpuNs - earlier.figures.cpuNs;
    return { id, cpuPercent: ms > 0 ? Math.round(used / ms / 1e3) / 10 : 0, ...figures };
  });
}

function tableOf(readings: readonly Reading[]): string {
  const options: TableOptions = { ...tableOptions(), plain: true };
  return describeTable(HEAD, readings.map(rowOf), options);
}

function rowOf({ id, cpuPercent, pids, ...figures }: Reading): string[] {
  const { memoryBytes, memoryLimitBytes, readBytes, writtenBytes } = figures;
  const limit = memoryLimitBytes === undefined ? "-" : sizeText(memoryLimitBytes);
  const sizes = [sizeText(memoryBytes), limit, String(pids), sizeText(readBytes), sizeText(writtenBytes)];
  return [id, `${cpuPercent.toFixed(1)} %`, ...sizes];
}

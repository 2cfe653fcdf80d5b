import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { bold, dim, printTable, progress, say } from "../../demo/paint.ts";
import { FILES, fill } from "../document.ts";
import { type BenchLab, withLab } from "../lab.ts";
import { plainStart, type StartTimes } from "../life.ts";
import { BUILT, type Shim } from "../shims.ts";
import type { Mark } from "./marks.ts";
import { picture } from "./picture.ts";
import { fastest, type Step, stepsOf } from "./steps.ts";
import { tracedStart } from "./traced-start.ts";

const STARTS = 15;
/** Its name, and that of its markers in the page. */
const NAME = "start-profile";
const PICTURE = `${NAME}.svg`;
const HEAD = ["process", "at the end of the step", "after", "the step alone"];

/** Shows where the time of our shim's start goes, by the system calls of both its processes. */
export async function startProfile(signal: AbortSignal, docs: string | undefined): Promise<void> {
  if (!hasStrace()) return say(dim(`${NAME} is left out: strace is not installed`));
  const shim: Shim = { binary: BUILT, label: path.basename(BUILT), ours: true };
  const { plain, runs } = await withLab({ shims: [shim], signal }, (lab) => measure(lab, shim));
  const steps = stepsOf(fastest(runs));
  const how = told(plain, steps);
  say(bold("Where the time of a start goes"));
  printTable(HEAD, steps.map(cells));
  say(how);
  if (docs === undefined) return;
  const page = path.join(docs, FILES.page);
  writeFileSync(path.join(docs, PICTURE), picture(steps));
  writeFileSync(page, fill(readFileSync(page, "utf8"), new Map([[NAME, section(how, steps)]])));
}

function hasStrace(): boolean {
  return (process.env.PATH ?? "").split(":").some((directory) => existsSync(path.join(directory, "strace")));
}

/** Takes turns, so that what changes on the machine changes for both. */
async function measure(lab: BenchLab, shim: Shim): Promise<{ plain: StartTimes[]; runs: Mark[][] }> {
  const plain: StartTimes[] = [];
  const runs: Mark[][] = [];
  while (runs.length < STARTS) {
    lab.signal.throwIfAborted();
    progress(`${NAME}: start ${runs.length + 1} of ${STARTS}`);
    plain.push(await plainStart(lab, shim));
    runs.push(await tracedStart(lab, shim));
  }
  return { plain, runs };
}

function told(plain: readonly StartTimes[], steps: readonly Step[]): string {
  const printed = steps.find(({ title }) => title === "address printed")?.to ?? Number.NaN;
  const least = (key: keyof StartTimes) => Math.min(...plain.map((times) => times[key])).toFixed(1);
  return (
    `The fastest of ${STARTS} starts under strace, which adds to them: the address is printed after ` +
    `${printed.toFixed(1)} ms. In the fastest of ${STARTS} without it, start has answered after ` +
    `${least("printed")} ms, and the shim after ${least("answered")} ms.`
  );
}

function cells({ lane, title, from, to }: Step): string[] {
  return [lane, title.replaceAll("`", ""), `${to.toFixed(1)} ms`, `${(to - from).toFixed(1)} ms`];
}

function section(how: string, steps: readonly Step[]): string {
  const lines = [HEAD, HEAD.map(() => "---"), ...steps.map(cells)];
  const table = lines.map((line) => `| ${line.join(" | ")} |`).join("\n");
  return `${how}\n\n![Where the time of a start goes](${PICTURE})\n\n${table}`;
}

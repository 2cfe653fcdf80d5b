/** What `npm run bench` runs: measures rows side by side, prints their tables and writes docs/performance.*. */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { bold, dim, printTable, say } from "../demo/paint.ts";
import { must } from "../lab/command.ts";
import { readFromDisk } from "../lab/read-from-disk.ts";
import { StatusError } from "../src/base/status.ts";
import { resolveShimBinary } from "../src/client/index.ts";
import { derive, save } from "./document.ts";
import { type BenchLab, withLab } from "./lab.ts";
import { thisMachine } from "./machine.ts";
import { manyReleases } from "./many-releases.ts";
import type { Machine, Row } from "./result.ts";
import { ROWS } from "./rows/index.ts";
import { findShims } from "./shims.ts";
import { startProfile } from "./start-profile/profile.ts";
import { printable } from "./table.ts";
import { unpackImage } from "./unpack.ts";

interface Options {
  readonly shim: readonly string[];
  readonly rounds?: number;
  readonly save: boolean;
  readonly page?: boolean;
}

/** Prints tables of its own, and may write them to a directory of documents; for these alone one has to ask. */
type Bench = (signal: AbortSignal, docs: string | undefined) => Promise<void>;

const BENCHES: Readonly<Record<string, Bench>> = {
  "start-profile": startProfile,
  "many-releases": manyReleases,
  unpack: unpackImage,
};
const NAMES = [...ROWS.map(({ name }) => name), ...Object.keys(BENCHES)];
const DOCS = fileURLToPath(new URL("../docs", import.meta.url));

async function main(): Promise<number> {
  const program = new Command("npm run bench --")
    .description("Measures shims side by side, and writes docs/performance.md and what belongs to it.")
    .argument(
      "[names...]",
      `what to measure: ${NAMES.join(", ")}; all but the last three if not given`,
      known,
    )
    .option("--shim <paths...>", "shims to measure beside ours and those in PATH", [])
    .option("--rounds <count>", "how many rounds, instead of each row's own number", positive)
    .option("--no-save", "only prints")
    .option("--page", "measures nothing: writes page and picture anew from what was measured");
  const { args: names } = program.parse();
  const options = program.opts<Options>();
  if (options.page === true) return tell(derive(DOCS));
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => stop.abort(new Error(name)));
  try {
    for (const name of names) await BENCHES[name]?.(stop.signal, options.save ? DOCS : undefined);
    const rows = ROWS.filter(({ name }) => names.length === 0 || names.includes(name));
    if (rows.length > 0) await measure(rows, options, stop.signal);
    return 0;
  } catch (err) {
    // What was cut short fails in many ways; that somebody wanted it so is all there is to tell.
    const reason = stop.signal.aborted ? stop.signal.reason : err;
    process.stderr.write(`${StatusError.from(reason).message}\n`);
    return 1;
  }
}

async function measure(rows: readonly Row[], options: Options, signal: AbortSignal): Promise<void> {
  const machine = await thisMachine();
  // Where the caller is: relative paths in the arguments are theirs.
  const asked = options.shim.map((shim) =>
    shim.includes("/") ? path.resolve(process.env.INIT_CWD ?? ".", shim) : resolveShimBinary(shim),
  );
  const shims = await findShims(asked, process.env);
  for (const { binary } of shims) await readInOneGo(binary);
  for (const row of rows) {
    await withLab({ shims, signal, rounds: options.rounds }, (lab) => one(row, lab, machine, options.save));
  }
}

/**
 * Has the kernel hold an executable as it does after one read of all of it, as docs/install.md advises for a node: the
 * pages of one that was loaded fault by fault, or just built, are smaller, and 1.3 of 8 ms of each start go to that.
 */
async function readInOneGo(executable: string): Promise<void> {
  await must("sync", [executable]);
  readFromDisk(executable);
}

/** Measures a row, prints what it found, and keeps it. */
async function one(row: Row, lab: BenchLab, machine: Machine, keep: boolean): Promise<void> {
  const reason = row.whyNot?.(lab);
  if (reason !== undefined) return say(dim(`${row.name} is left out: ${reason}`));
  const found = await row.run(lab);
  lab.progress(undefined);
  say(bold(found.title));
  for (const { head, lines } of printable(found)) printTable(head, lines);
  const result = { name: row.name, at: new Date().toISOString().slice(0, 10), machine, ...found };
  const order = ROWS.map(({ name }) => name);
  if (keep) tell(save(DOCS, result, order));
}

/** Tells what the page has no place for; that fails nothing. */
function tell(lacking: readonly string[]): number {
  if (lacking.length > 0) say(dim(`docs/performance.md has no markers for ${lacking.join(", ")}`));
  return 0;
}

function known(name: string, before: readonly string[] = []): string[] {
  if (NAMES.includes(name)) return [...before, name];
  throw new InvalidArgumentError(`There is: ${NAMES.join(", ")}.`);
}

function positive(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new InvalidArgumentError("A number of rounds is 1 or more.");
}

main().then((status) => process.exit(status));

/**
 * Runs test files, each in a process of its own with a limit, and sums up. Nothing that a test does can make the
 * run hang: what takes too long is killed, counts as failed, and is waited for no more.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { bunPath, root } from "../steps.mjs";
import { runInGroup } from "./group.mjs";
import { readReport } from "./report.mjs";
import { sumUp } from "./summary.mjs";
import { findUnits } from "./units.mjs";

/** A file that takes longer is killed: the slowest takes a tenth of it. */
const FILE_LIMIT_S = Number(process.env.EBB_TEST_FILE_LIMIT_S ?? 300);
/** When the whole run has taken this long, what is left of it fails. */
const RUN_LIMIT_S = Number(process.env.EBB_TEST_RUN_LIMIT_S ?? 2400);
/** For what is done between files. */
const TIDY_LIMIT_S = 60;
/** Where more files fail, a second try would only take time. */
const MOST_RETRIES = 3;
/** As many quiet files at once as the smallest machine has cores. */
const QUIET_AT_ONCE = 2;

/** Runs the tests in the given folders and files; returns the exit status. */
export async function runTests(places) {
  const scratch = mkdtempSync(path.join(os.tmpdir(), "ebb-test-"));
  try {
    const run = new TestRun(scratch);
    await run.tidy();
    return sumUp(await run.all(findUnits(places, scratch)));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

class TestRun {
  #scratch;
  #files = 0;
  #stop = new AbortController();

  constructor(scratch) {
    this.#scratch = scratch;
    const stop = (reason) => this.#stop.abort(reason);
    setTimeout(stop, RUN_LIMIT_S * 1000, `the whole run took longer than ${RUN_LIMIT_S} s`).unref();
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => stop(`stopped by ${name}`));
  }

  /** Runs all units: the quiet ones beside each other, the others alone, and the few that failed once more. */
  async all(units) {
    const results = [
      ...(await this.#several(
        units.filter(({ quiet }) => quiet),
        QUIET_AT_ONCE,
      )),
      ...(await this.#several(
        units.filter(({ quiet }) => !quiet),
        1,
      )),
    ];
    const failed = results.filter((result) => result.failed.length > 0);
    if (failed.length > MOST_RETRIES || this.#stop.signal.aborted) return results;
    for (const result of failed) {
      process.stdout.write(`once more, as it failed: ${result.file} under ${result.runtime}\n`);
      const again = await this.#one(result);
      again.flaky = result.failed.filter((name) => !again.failed.includes(name));
      results[results.indexOf(result)] = again;
    }
    return results;
  }

  /** Removes what killed tests left; says so where it finds any. */
  async tidy() {
    const script =
      'import { clearStaleDisks } from "./lab/stale.ts"; for (const line of await clearStaleDisks()) console.log(line);';
    const output = this.#newFile("tidy");
    const signal = limited(TIDY_LIMIT_S);
    const { ending, sight } = await runInGroup({
      file: bunPath(),
      args: ["-e", script],
      cwd: root,
      output,
      signal,
    });
    const text = `${readFileSync(output, "utf8")}${sight}${ending}`;
    if (text !== "") process.stdout.write(`what killed tests left: ${text.trim()}\n`);
  }

  async #several(units, atOnce) {
    const left = [...units];
    const results = [];
    const lane = async () => {
      for (let unit = left.shift(); unit !== undefined; unit = left.shift())
        results.push(await this.#one(unit));
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
    return results;
  }

  async #one({ runtime, file, quiet, program, args, cwd }) {
    const unit = { runtime, file, quiet, program, args, cwd };
    const stop = this.#stop.signal;
    if (stop.aborted)
      return { ...unit, ms: 0, passed: 0, failed: [`(not run: ${stop.reason})`], skipped: [] };
    const [output, report] = [this.#newFile("out"), this.#newFile("xml")];
    const signal = AbortSignal.any([stop, limited(FILE_LIMIT_S)]);
    const before = Date.now();
    const { ending, sight } = await runInGroup({ file: program, args: args(report), cwd, output, signal });
    const result = { ...unit, ms: Date.now() - before, ...readReport(report, ending) };
    process.stdout.write(`${readFileSync(output, "utf8")}${sight}`);
    if (ending !== "") process.stdout.write(`${file} under ${runtime}: ${ending}\n`);
    if (ending !== "") await this.tidy();
    return result;
  }

  #newFile(kind) {
    this.#files += 1;
    return path.join(this.#scratch, `${this.#files}.${kind}`);
  }
}

/** A signal that comes after some seconds, and keeps nobody waiting for it. */
function limited(seconds) {
  const controller = new AbortController();
  setTimeout(() => controller.abort(`took longer than ${seconds} s and was killed`), seconds * 1000).unref();
  return controller.signal;
}

if (process.argv[1] === new URL(import.meta.url).pathname)
  process.exit(await runTests(process.argv.slice(2)));

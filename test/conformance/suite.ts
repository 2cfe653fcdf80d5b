import { mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { makeBusyboxRootfs } from "../../lab/busybox-rootfs.ts";
import { within } from "../../src/base/deadline.ts";
import { deferred } from "../../src/base/deferred.ts";
import { StatusError, statusCodeName } from "../../src/base/status.ts";
import { unmountAll } from "../../src/client/mounts.ts";
import { Bench, type Target } from "./bench.ts";
import type { ConformanceCase, Need } from "./case.ts";
import { askForClaims } from "./claims.ts";
import { type Difference, differencesOf } from "./differences.ts";
import { removeNamespace } from "./leftovers.ts";

/** How long a case may take, its end included, in milliseconds. All are much quicker; a busy machine is not. */
const CASE_MS = 90_000;

/** What came of a case. */
export interface CaseResult {
  readonly name: string;
  readonly promise: boolean;
  /**
   * `differs`: it failed, as the list of differences says. `not claimed`: the shim does not say it has this.
   * `not promised`: it failed, in what only this project promises. `skipped`: the machine cannot run it.
   */
  readonly outcome: "passed" | "failed" | "differs" | "not claimed" | "not promised" | "skipped";
  readonly ms: number;
  /** Why it failed or was skipped; for a difference, what the list says of it. */
  readonly message?: string;
}

/** What is known of the shim, and what is asked of it. */
interface About {
  readonly claims: ReadonlySet<Need>;
  readonly differences: ReadonlyMap<string, Difference>;
  readonly promises: boolean;
}

/** A shim under test, what it claims, and where the cases are run. */
export class Suite {
  readonly #target: Target;
  readonly #dir: string;
  readonly #claims: ReadonlySet<Need>;
  readonly #differences: ReadonlyMap<string, Difference>;
  readonly #promises: boolean;
  #made = 0;

  private constructor(target: Target, dir: string, about: About) {
    this.#target = target;
    this.#dir = dir;
    this.#claims = about.claims;
    this.#differences = about.differences;
    this.#promises = about.promises;
  }

  /** What the shim claims to have beyond what every shim has. */
  get claims(): ReadonlySet<Need> {
    return this.#claims;
  }

  /** Where the shim is known to differ, by the names of the cases. */
  get differences(): ReadonlyMap<string, Difference> {
    return this.#differences;
  }

  /**
   * Makes a root file system, and asks the shim what it has. With `promises`, the shim is held to what this
   * project promises, too. Whoever opens a suite closes it.
   */
  static async open(target: Omit<Target, "lower">, options: { readonly promises: boolean }): Promise<Suite> {
    const dir = mkdtempSync("/tmp/ebbc-");
    const lower = path.join(dir, "lower");
    try {
      await makeBusyboxRootfs(lower);
      const bench = await Bench.open({ ...target, lower }, path.join(dir, `${path.basename(dir)}-claims`));
      const claims = await askForClaims(bench);
      await closeBench(bench);
      const differences = await differencesOf(target.binary);
      return new Suite({ ...target, lower }, dir, { claims, differences, ...options });
    } catch (error) {
      rmSync(dir, { recursive: true, force: true });
      throw error;
    }
  }

  /** Whether the shim claims all that the case needs. */
  isClaimed(one: ConformanceCase): boolean {
    return (one.needs ?? []).every((need) => this.#claims.has(need));
  }

  /** Runs a case; never rejects. */
  async run(one: ConformanceCase): Promise<CaseResult> {
    const about = { name: one.name, promise: one.promise ?? false };
    if (!this.isClaimed(one)) return { ...about, outcome: "not claimed", ms: 0 };
    const reason = one.whyNot?.();
    if (reason !== undefined) return { ...about, outcome: "skipped", ms: 0, message: reason };
    const before = performance.now();
    const problem = await this.#try(one);
    return { ...about, ms: performance.now() - before, ...this.#judge(one, problem) };
  }

  /** Removes what all cases shared. */
  async close(): Promise<void> {
    await unmountAll(this.#dir);
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #judge(one: ConformanceCase, problem: string | undefined): Pick<CaseResult, "outcome" | "message"> {
    if (problem === undefined) return { outcome: "passed" };
    if (one.promise && !this.#promises) return { outcome: "not promised", message: problem };
    const difference = this.#differences.get(one.name);
    if (difference === undefined) return { outcome: "failed", message: problem };
    return { outcome: "differs", message: difference.differs };
  }

  /** What went wrong, in words. */
  async #try(one: ConformanceCase): Promise<string | undefined> {
    this.#made += 1;
    const bench = await Bench.open(
      this.#target,
      path.join(this.#dir, `${path.basename(this.#dir)}-${this.#made}`),
    );
    const failed = await failure(within(one.run(bench), CASE_MS, one.name));
    const left = await closeBench(bench).catch((error: Error) => [`its end: ${error.message}`]);
    const problems = [...(failed === undefined ? [] : [failed]), ...left.map((line) => `left: ${line}`)];
    return problems.length === 0 ? undefined : problems.join("\n");
  }
}

async function closeBench(bench: Bench): Promise<string[]> {
  const left = await bench.end();
  rmSync(bench.dir, { recursive: true, force: true });
  removeNamespace(bench.namespace);
  return left;
}

async function failure(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (error: Error) => {
      if (error instanceof StatusError) return `${statusCodeName(error.code)}: ${error.message}`;
      return error.name === "AssertionError" ? error.message : (error.stack ?? error.message);
    },
  );
}

/** A case to be run for a shim. */
export interface Job {
  readonly suite: Suite;
  readonly one: ConformanceCase;
}

/** Asks for the result of a case. */
export type Results = (suite: Suite, one: ConformanceCase) => Promise<CaseResult>;

/**
 * Runs cases in their order, so many at a time, from when the first result is asked for. They are independent:
 * each has a daemon, a namespace and a directory of its own.
 */
export function startCases(jobs: readonly Job[], atOnce: number): Results {
  const results = new Map(jobs.map((job) => [job, deferred<CaseResult>()]));
  const rest = [...jobs];
  const work = async () => {
    for (let job = rest.shift(); job !== undefined; job = rest.shift()) {
      results.get(job)?.resolve(await job.suite.run(job.one));
    }
  };
  let started = false;
  return async (suite, one) => {
    if (!started) for (let count = 0; count < atOnce; count++) void work();
    started = true;
    const job = jobs.find((item) => item.suite === suite && item.one === one);
    const result = job === undefined ? undefined : results.get(job);
    if (result === undefined) throw new Error(`${one.name} is not among the cases that are run`);
    return result.promise;
  };
}

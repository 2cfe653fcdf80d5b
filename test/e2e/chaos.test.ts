/** A storm: shims, OCI runtimes and the daemon are killed at any time while containers come and go. */
import assert from "node:assert/strict";
import path from "node:path";
import { describe, test } from "node:test";
import { BUSYBOX_IMAGE } from "../../lab/image.ts";
import { settledLeftovers, snapshotLeftovers } from "../../lab/leftovers.ts";
import type { PrivateContainerd } from "../../lab/private-containerd.ts";
import { until } from "../../lab/until.ts";
import { sleep } from "../../src/base/deadline.ts";
import { allProcesses, commandLineOf } from "../../src/linux/process-stat.ts";
import { EBB } from "./runtimes.ts";
import { startScene } from "./scene.ts";

const STORM_MS = 20_000;
const WORKERS = 3;
/** Longer than any of its commands takes on a busy machine: what takes that long hangs. */
const COMMAND_MS = 45_000;
/** So that shims of which the restarted daemon knows nothing end within the test. */
const UNUSED_MS = 3_000;

/** Another storm each time; which it was is told, for who wants it again. */
const SEED = Number(process.env.EBB_TEST_SEED ?? Date.now() % 1_000_000);

/** Numbers from 0 to below 1 by a seed (the constants are of Numerical Recipes). */
function randomBy(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The processes that have a container's id as a word of their command line: its shim, and calls of its OCI runtime. */
const processesOf = (id: string) => allProcesses().filter(({ pid }) => commandLineOf(pid).includes(id));

class Storm {
  readonly ids: string[] = [];
  readonly hung: string[] = [];
  readonly done: Record<string, number> = {};
  readonly #containerd: PrivateContainerd;
  readonly #random: () => number;
  readonly #end = performance.now() + STORM_MS;
  #restart: Promise<void> | undefined;

  constructor(containerd: PrivateContainerd, seed: number) {
    this.#containerd = containerd;
    this.#random = randomBy(seed);
  }

  async rage(): Promise<void> {
    const workers = Array.from({ length: WORKERS }, () => this.#work());
    await Promise.all([...workers, this.#killDaemon()]);
  }

  /** Removes what the daemon still knows of, as its user would. */
  async tidy(): Promise<void> {
    await until("the daemon to know of nothing", async () => {
      const [tasks, containers] = await Promise.all(
        ["task", "container"].map(async (kind) =>
          (await this.#containerd.mustCtr([kind, "ls", "-q"])).split("\n").filter((line) => line !== ""),
        ),
      );
      for (const id of tasks ?? []) await this.#ctr("task", "rm", "-f", id);
      for (const id of containers ?? []) await this.#ctr("container", "rm", id);
      return tasks?.length === 0 && containers?.length === 0 ? true : undefined;
    });
  }

  /** Containers, one after the other; what is asked for may fail, as somebody is killed meanwhile, but not hang. */
  async #work(): Promise<void> {
    while (performance.now() < this.#end) {
      const id = `storm-${this.ids.length}`;
      this.ids.push(id);
      const first = this.ids.length === 1;
      const killing = Promise.all([
        this.#kill(id, first ? 1 : 0.4, /^containerd-shim/),
        this.#kill(id, 0.2, /^runc/),
      ]);
      const run = ["--runtime", EBB.name, BUSYBOX_IMAGE, id];
      if (!first && this.#random() < 0.4) await this.#ctr("run", "--rm", ...run, "sh", "-c", "echo x > /f");
      else {
        await this.#ctr("run", "-d", ...run, "sleep", "1000");
        for (let left = Math.floor(this.#random() * 3); left > 0; left -= 1) await this.#use(id, left);
      }
      await killing;
      await this.#ctr("task", "rm", "-f", id);
      await this.#ctr("container", "rm", id);
    }
  }

  async #use(id: string, call: number): Promise<void> {
    const which = this.#random();
    if (which < 0.5) await this.#ctr("task", "exec", "--exec-id", `e${call}`, id, "true");
    else if (which < 0.8) {
      await this.#ctr("task", "pause", id);
      await this.#ctr("task", "resume", id);
    } else await this.#ctr("task", "metrics", id);
  }

  /**
   * Kills at some time, as likely as is said, a container's processes whose program has such a name. But for `delete`,
   * which the daemon calls once: it is all that is left to clean up after the others.
   */
  async #kill(id: string, likely: number, program: RegExp): Promise<void> {
    if (this.#random() >= likely) return;
    // On a busy machine it takes a while until there is any.
    await until(`processes of ${id}`, () => processesOf(id)[0], 5_000).catch(() => {});
    await sleep(this.#random() * 400);
    for (const { pid } of processesOf(id)) {
      const words = commandLineOf(pid);
      if (words.includes("delete") || !program.test(path.basename(words[0] ?? ""))) continue;
      try {
        process.kill(pid, "SIGKILL");
        this.#count(`killed ${program.source}`);
      } catch {
        // It has ended.
      }
    }
  }

  async #killDaemon(): Promise<void> {
    while (performance.now() < this.#end) {
      await sleep(4_000 + this.#random() * 3_000);
      this.#restart = this.#containerd.restart();
      await this.#restart;
      this.#restart = undefined;
      this.#count("killed containerd");
    }
  }

  async #ctr(...args: string[]): Promise<void> {
    await this.#restart;
    const { exitCode, ms } = await this.#containerd.ctr(args, { timeoutMs: COMMAND_MS });
    if (ms >= COMMAND_MS) this.hung.push(args.join(" "));
    else if (exitCode === 0) this.#count(args.slice(0, args[0] === "run" ? 1 : 2).join(" "));
  }

  #count(what: string): void {
    this.done[what] = (this.done[what] ?? 0) + 1;
  }
}

/**
 * What is the daemon's own to remove, and it does not when it is killed in the middle: directories; and the socket of a
 * shim that was killed before the daemon had reached it, for whom it calls no `delete`.
 */
const isDaemons = (line: string) => /^(directory|socket|pipe) /.test(line);

describe("a storm in which anybody is killed at any time", () => {
  test("hangs nobody, and leaves no process, mount, control group or state of runc", {
    skip: EBB.skip,
  }, async (t) => {
    const scene = await startScene({ env: { EBB_UNUSED_MS: String(UNUSED_MS) }, logLevel: "info" });
    try {
      const { containerd } = scene;
      const clean = snapshotLeftovers(containerd.scope([]));
      const storm = new Storm(containerd, SEED);
      await storm.rage();
      await storm.tidy();
      await sleep(2 * UNUSED_MS);
      const left = await settledLeftovers(containerd.scope(storm.ids), clean, isDaemons);
      const told = `EBB_TEST_SEED=${SEED}: ${JSON.stringify(storm.done)}`;
      t.diagnostic(told);
      assert.deepEqual({ left, hung: storm.hung }, { left: [], hung: [] }, told);
      // It was one.
      for (const what of ["killed containerd", "killed ^containerd-shim", "run", "container rm"]) {
        assert.ok((storm.done[what] ?? 0) > 0, `nothing was ${what}: ${told}`);
      }
    } finally {
      await scene.dispose();
    }
  });
});

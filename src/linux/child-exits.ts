import { type Deferred, deferred } from "../base/deferred.ts";
import type { Logger } from "../base/logger.ts";
import { hasCode, StatusCode, StatusError } from "../base/status.ts";
import type { Libc } from "./libc.ts";
import { namespacePids, ownChildren, readProcessStat } from "./process-stat.ts";
import { decodeWaitStatus, exitStatusOf } from "./wait-status.ts";

/** When a watched process ended and how: its code, or 128 + the signal's number. */
export interface ChildExit {
  readonly status: number;
  readonly at: Date;
}

/**
 * How often the watched pids are looked at without a SIGCHLD. Signals of one kind are merged by the kernel but
 * not lost, so this is a net under the net.
 */
const POLL_MS = 60_000;

/** The same where no SIGCHLD comes: so late an end is told at most. A look is a system call for each watched pid. */
const POLL_OFTEN_MS = 20;

/**
 * How long after a SIGCHLD, and again while there are any, zombies are looked for that nobody waits for, in
 * milliseconds: long enough for the runtime to have collected its own children between two looks.
 */
const STRAYS_MS = 1_000;

/**
 * Tells how adopted processes end: containers' inits, whose parent (runc) has gone and left them to this process
 * as their subreaper. It waits for watched pids only, never for "any child": the runtime waits for the children
 * that it has spawned itself, and would lose them.
 */
export class ChildExits {
  readonly #libc: Libc;
  readonly #logger: Logger;
  readonly #watched = new Map<number, Deferred<ChildExit>>();
  readonly #onSignal = () => {
    this.#collect();
    this.#lookForStrays();
  };
  readonly #straysMs: number;
  #timer: NodeJS.Timeout;
  #looksOften = false;
  #strayTimer: NodeJS.Timeout | undefined;
  #strayZombies = new Set<number>();
  #making = 0;
  #leftovers = false;

  constructor(options: {
    readonly libc: Libc;
    readonly logger: Logger;
    readonly pollMs?: number;
    readonly straysMs?: number;
  }) {
    this.#libc = options.libc;
    this.#straysMs = options.straysMs ?? STRAYS_MS;
    this.#logger = options.logger;
    process.on("SIGCHLD", this.#onSignal);
    this.#timer = this.#pollEach(options.pollMs ?? POLL_MS);
  }

  /**
   * For kernels without pidfds. There Bun waits for its own children by a handler of SIGCHLD that takes the place of
   * ours, so that the watched are looked at often instead.
   */
  lookOften(): void {
    if (this.#looksOften) return;
    this.#looksOften = true;
    clearInterval(this.#timer);
    this.#timer = this.#pollEach(POLL_OFTEN_MS);
  }

  /**
   * Resolves when the process has ended, also when that was before the call. The pid must be that of an adopted
   * child that nobody else waits for; one that is no child of ours counts as ended in an unknown way (255).
   */
  watch(pid: number): Promise<ChildExit> {
    const known = this.#watched.get(pid);
    if (known !== undefined) return known.promise;
    const exit = deferred<ChildExit>();
    this.#watched.set(pid, exit);
    this.#check(pid, exit);
    return exit.promise;
  }

  /**
   * Sends a signal to a watched process by its pid, for kernels that have no pidfds: as long as it is a child of ours
   * that was not waited for, no other process can be given that pid. One that has ended is `notFound`; one that is
   * somebody else's yet, who may wait for it at any time, is `unavailable`.
   */
  signal(pid: number, signal: number): void {
    if (!this.#watched.has(pid)) throw new StatusError(StatusCode.notFound, `process ${pid} has ended`);
    if (readProcessStat(pid)?.parent !== process.pid) {
      throw new StatusError(StatusCode.unavailable, `process ${pid} is not a child of this one yet`);
    }
    this.#libc.kill(pid, signal);
  }

  /**
   * Runs a command of the OCI runtime that makes a process, with what watches that process. When one has failed, the
   * processes that it left in the container's pid namespace are cleared away as they end: as zombies they would keep
   * the container's init from ending (pid_namespaces(7)). While another is under way they may be that one's.
   */
  async making<T>(make: () => Promise<T>): Promise<T> {
    this.#making += 1;
    try {
      return await make();
    } catch (err) {
      this.#leftovers = true;
      throw err;
    } finally {
      this.#making -= 1;
      this.#reapLeftovers();
    }
  }

  /** Stops listening; what is watched is never told. */
  close(): void {
    process.off("SIGCHLD", this.#onSignal);
    clearInterval(this.#timer);
    clearTimeout(this.#strayTimer);
    this.#strayTimer = undefined;
  }

  #collect(): void {
    for (const [pid, exit] of this.#watched) this.#check(pid, exit);
    this.#reapLeftovers();
  }

  #check(pid: number, exit: Deferred<ChildExit>): void {
    const status = this.#statusOf(pid);
    if (status === undefined) return;
    this.#watched.delete(pid);
    exit.resolve({ status, at: new Date() });
  }

  #statusOf(pid: number): number | undefined {
    try {
      return this.#wait(pid);
    } catch (err) {
      if (!hasCode(err, StatusCode.notFound)) return this.#unknown(pid, err);
    }
    // Not our child yet: its parent is still at work. It becomes ours when that ends, which is a SIGCHLD too.
    if (isSomebodyElses(pid)) return undefined;
    try {
      // Or it has become ours since we asked.
      return this.#wait(pid);
    } catch (err) {
      return this.#unknown(pid, err);
    }
  }

  #wait(pid: number): number | undefined {
    const ended = this.#libc.waitpid(pid);
    return ended && exitStatusOf(decodeWaitStatus(ended.status));
  }

  #unknown(pid: number, err: unknown): number {
    this.#logger.error("the end of a process is not known", { pid, err });
    return UNKNOWN_STATUS;
  }

  /** The runtime's own children are in this process's pid namespace, so that what is in another is not one of them. */
  #reapLeftovers(): void {
    if (!this.#leftovers || this.#making > 0) return;
    const depth = namespacePids(process.pid).length;
    const left = ownChildren().filter((pid) => !this.#watched.has(pid) && namespacePids(pid).length > depth);
    const living = left.filter((pid) => this.#statusOf(pid) === undefined);
    this.#leftovers = living.length > 0;
  }

  #pollEach(ms: number): NodeJS.Timeout {
    return setInterval(() => this.#poll(), ms).unref();
  }

  #poll(): void {
    this.#collect();
    this.#lookForStrays();
  }

  #lookForStrays(): void {
    if (this.#strayTimer !== undefined) return;
    this.#strayTimer = setTimeout(() => {
      this.#strayTimer = undefined;
      this.#reapStrays();
      if (this.#strayZombies.size > 0 || this.#making > 0) this.#lookForStrays();
    }, this.#straysMs);
    this.#strayTimer.unref();
  }

  /**
   * Orphans of containers that share the host's pid namespace become our zombies without being watched. One that
   * was a zombie at the last look as well is nobody's: the runtime collects its own children at once. While the OCI
   * runtime makes a process that may be the one.
   */
  #reapStrays(): void {
    if (this.#making > 0) return;
    const zombies = ownChildren().filter(
      (pid) => !this.#watched.has(pid) && readProcessStat(pid)?.state === "Z",
    );
    const [old, fresh] = [true, false].map((seen) =>
      zombies.filter((pid) => this.#strayZombies.has(pid) === seen),
    );
    for (const pid of old ?? []) this.#statusOf(pid);
    this.#strayZombies = new Set(fresh);
  }
}

/** What the daemon reports of a process whose end nobody saw. */
const UNKNOWN_STATUS = 255;

function isSomebodyElses(pid: number): boolean {
  const stat = readProcessStat(pid);
  return stat !== undefined && stat.parent !== process.pid;
}

import type { Logger } from "../../base/logger.ts";
import type { CgroupDirs } from "../../linux/cgroup/dirs.ts";
import { type Closable, OomNotices, type OomState, readOomState } from "../../linux/cgroup/oom.ts";
import type { Libc } from "../../linux/libc.ts";

/** When it is looked again after a notice of the kernel's, in milliseconds: on v1 it comes before the kill. */
const LOOK_AGAIN_MS = [10, 100, 1_000];

const NO_KILLS: OomState = { kills: 0, waiting: false };

/** What watches one container. */
export interface OomWatch extends Closable {
  /** Looks whether it was out of memory since the last look, and tells so now. */
  look(): void;
}

/**
 * Tells which containers of a shim were out of memory: when the kernel gives notice, and when a process has ended
 * and somebody calls `look`, so that it is told before that exit. Kills between two looks are told once.
 */
export class OomWatches {
  readonly #logger: Logger;
  readonly #notices: OomNotices;
  readonly #watches = new Set<OomWatch>();
  #again: NodeJS.Timeout | undefined;

  constructor(options: { readonly libc: Libc; readonly logger: Logger }) {
    this.#logger = options.logger;
    this.#notices = new OomNotices(options.libc, () => this.#look(0));
  }

  /** Watches a container from now on; what happened before is not told. */
  watch(cgroup: CgroupDirs, onOom: () => void): OomWatch {
    let seen = readOomState(cgroup) ?? NO_KILLS;
    const look = () => {
      const now = readOomState(cgroup) ?? seen;
      const isNew = now.kills > seen.kills || (now.waiting && !seen.waiting);
      seen = now;
      if (isNew) onOom();
    };
    const subscription = this.#subscribe(cgroup);
    const close = () => {
      this.#watches.delete(watch);
      subscription?.close();
    };
    const watch = { look, close };
    this.#watches.add(watch);
    return watch;
  }

  /** Ends all of it. */
  close(): void {
    clearTimeout(this.#again);
    for (const watch of this.#watches) watch.close();
    this.#notices.close();
  }

  #subscribe(cgroup: CgroupDirs): Closable | undefined {
    try {
      return this.#notices.subscribe(cgroup);
    } catch (err) {
      this.#logger.warn("a container is watched for being out of memory at exits alone", { err });
      return undefined;
    }
  }

  #look(times: number): void {
    clearTimeout(this.#again);
    for (const watch of this.#watches) watch.look();
    const pause = LOOK_AGAIN_MS[times];
    if (pause !== undefined) this.#again = setTimeout(() => this.#look(times + 1), pause);
  }
}

import fs from "node:fs";
import PQueue from "p-queue";
import { launchWithin } from "../../base/launch.ts";
import { LOG_LEVELS, type Logger } from "../../base/logger.ts";
import { ChildExits } from "../../linux/child-exits.ts";
import { loadLibc } from "../../linux/koffi-libc.ts";
import type { Libc } from "../../linux/libc.ts";
import { OpenFiles } from "../../linux/open-files.ts";
import { TaskEvents } from "../events.ts";
import type { Flags } from "../flags.ts";
import { openLog } from "../log.ts";
import type { Settings } from "../settings.ts";
import { parseWord } from "../standby/named-process.ts";
import { OomWatches } from "../task/oom.ts";
import { TaskService } from "../task/task-service.ts";

/** The server's parts, once they stand. */
export interface OpenService {
  readonly service: TaskService;
  readonly events: TaskEvents;
  readonly logger: Logger;
  readonly libc: Libc;
  /** Whether nothing unforeseen has happened in this process. */
  isSound(): boolean;
  /** Lets go what the process keeps for it. What it still logs goes nowhere. */
  close(): void;
}

/**
 * Makes this process what a shim is (the reaper of its containers' orphans, preferred by the OOM killer to the
 * daemon) and builds the service. Throws where the kernel's calls cannot be reached.
 */
export function openService(options: {
  readonly flags: Flags;
  readonly settings: Settings;
  readonly shutdown: () => void;
}): OpenService {
  const { flags, settings } = options;
  const level = LOG_LEVELS.find((name) => name === flags.logLevel) ?? (flags.debug ? "debug" : "info");
  const log = openLog("log", level, { namespace: flags.namespace, shim: flags.id });
  const { logger } = log;
  const unexpected = watchUnexpected(logger);
  const libc = loadLibc();
  libc.leaveSession();
  libc.setChildSubreaper();
  preferToDaemon(flags.daemon, logger);
  const openFiles = new OpenFiles(libc);
  launchWithin((start) => openFiles.start(start));
  const address = process.env.TTRPC_ADDRESS ?? "";
  const events = new TaskEvents({ address, namespace: flags.namespace, settings, logger });
  const childExits = new ChildExits({ libc, logger });
  const oom = new OomWatches({ libc, logger });
  const mounting = new PQueue({ concurrency: settings.mountsAtOnce });
  const host = { namespace: flags.namespace, libc, childExits, oom, mounting, settings, logger };
  const close = () => {
    for (const part of [childExits, oom, log, unexpected, openFiles]) part.close();
  };
  const service = new TaskService({ host, events, shutdown: options.shutdown });
  return { service, events, logger, libc, isSound: () => unexpected.count === 0, close };
}

/** A mistake in one call must not take the others' containers down with it. */
function watchUnexpected(logger: Logger): { readonly count: number; close(): void } {
  let count = 0;
  const log = (message: string) => (err: unknown) => {
    count += 1;
    logger.error(message, { err });
  };
  const [onError, onRejection] = [log("unexpected error"), log("unexpected rejection")];
  process.on("uncaughtException", onError).on("unhandledRejection", onRejection);
  return {
    get count() {
      return count;
    },
    close: () => void process.off("uncaughtException", onError).off("unhandledRejection", onRejection),
  };
}

/** The highest score there is: nothing is killed sooner. */
const MAX_OOM_SCORE_ADJ = 1000;

/**
 * Has the kernel's OOM killer prefer this process to the daemon, by a score that is one higher. Raising it always works;
 * lowering it needs CAP_SYS_RESOURCE, without which the shim runs all the same.
 */
function preferToDaemon(daemon: string, logger: Logger): void {
  const score = Math.min(MAX_OOM_SCORE_ADJ, oomScoreAdj(parseWord(daemon)?.pid) + 1);
  try {
    fs.writeFileSync("/proc/self/oom_score_adj", String(score));
  } catch (err) {
    logger.warn("the OOM score could not be adjusted", { score, err });
  }
}

function oomScoreAdj(pid: number | undefined): number {
  try {
    return Number(fs.readFileSync(`/proc/${pid}/oom_score_adj`, "utf8"));
  } catch {
    return 0;
  }
}

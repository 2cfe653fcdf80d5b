import { mkdir, rm } from "node:fs/promises";
import { sleep } from "../../base/deadline.ts";
import type { Server } from "../../ttrpc/index.ts";
import { EventLog } from "../event-log.ts";
import { type Lock, takeLock } from "./lock.ts";
import { supervisorPlace } from "./place.ts";
import { type Served, type ShimLine, serverOf } from "./server.ts";

/** How often at most it is looked whether there is still something to do, in milliseconds. */
const MAX_LOOK_MS = 1_000;

/** How many lines of shims are kept for who reads them too slowly. */
const SHIM_LINES = 1_024;

/** How a supervisor is run as a process of its own. */
export interface SuperviseOptions {
  readonly stateDir: string;
  /** What it says of itself. */
  readonly version: string;
  /** It ends when it has had no client and no container that lives for so long, in milliseconds. */
  readonly idleMs: number;
  /** Opens the supervisor that is served; called by the one process that has the lock, with what takes its shims' lines. */
  readonly open: (onLog: (id: string, line: string) => void) => Promise<Served & { close(): Promise<void> }>;
  /** Ends it; its containers go on. */
  readonly signal: AbortSignal;
}

/**
 * Serves the supervisor of a state directory until it is idle or told to end. Says false at once where another process
 * does so already. A socket that a killed one has left is replaced.
 */
export async function supervise(options: SuperviseOptions): Promise<boolean> {
  const { stateDir } = options;
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const lock = await takeLock(supervisorPlace(stateDir).lock);
  if (lock === undefined) return false;
  await serve(options, lock);
  return true;
}

async function serve(options: SuperviseOptions, lock: Lock): Promise<void> {
  const { socket } = supervisorPlace(options.stateDir);
  const shimLog = new EventLog<ShimLine>(SHIM_LINES);
  try {
    const supervisor = await options.open((id, text) => shimLog.add({ id, text, at: Date.now() }));
    const server = serverOf(supervisor, { version: options.version, shimLog });
    try {
      await rm(socket, { force: true });
      await server.listen({ path: socket, mode: 0o600 });
      await untilIdle(options, lock, () => isBusy(server, supervisor));
    } finally {
      await server.close();
      await supervisor.close();
    }
  } finally {
    lock.release();
  }
}

/** What has ended and cannot be put away yet needs somebody who goes on trying, too. */
function isBusy(server: Server, supervisor: Served): boolean {
  const alive = supervisor
    .list()
    .some(({ status }) => status.phase !== "stopped" || status.problem !== undefined);
  return alive || server.connections > 0;
}

/** Also until its place is removed, where nobody could reach it any more. */
async function untilIdle(
  { idleMs, signal }: SuperviseOptions,
  lock: Lock,
  busy: () => boolean,
): Promise<void> {
  let busyAt = performance.now();
  while (!signal.aborted && lock.holds()) {
    if (busy()) busyAt = performance.now();
    const left = idleMs - (performance.now() - busyAt);
    if (left <= 0) return;
    // An abort ends the wait; whether to go on is for the loop to say.
    await sleep(Math.min(left, MAX_LOOK_MS), signal).catch(() => {});
  }
}

import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { abortable, sleep } from "../base/deadline.ts";
import { hasCode, StatusCode, StatusError } from "../base/status.ts";
import { makeDirectory, onFile, removeFile, uniqueName } from "./files.ts";
import { LOOK_MS, Lock, type Owner } from "./lock.ts";
import { type Outcome, readOutcome, sweepOutcomes, writeOutcome } from "./outcome.ts";

/** What somebody asked for and what others, who ask for the same, wait for. */
interface Flight {
  readonly promise: Promise<unknown>;
  readonly cancel: (reason: unknown) => void;
  /** The signal of who asked first: the work may depend on it. */
  readonly starter: AbortSignal | undefined;
  waiting: number;
}

const flights = new Map<string, Flight>();

/** Who asks, and what the end of others is to them. */
export interface FlightOptions {
  readonly signal?: AbortSignal;
  /** An error of somebody else is none of ours: the work is done anew then. */
  readonly ignoresErrorsOfOthers?: boolean;
}

/**
 * Does some work once for all who ask for the same key in the same directory meanwhile, in this process and in
 * others: they wait for the first one and share its result or its error. The result passes between processes as JSON.
 *
 * Whoever's signal aborts leaves at once and disturbs nobody: the work is aborted when all in its process have left,
 * and then, or where its process dies, one of those who wait in others does it itself. So it may be done twice in a
 * row, never twice at once; it should look first whether it is done. The processes must see each other (`lock.ts`).
 */
export async function singleFlight<T>(
  directory: string,
  key: string,
  work: (signal: AbortSignal) => Promise<T>,
  { signal, ignoresErrorsOfOthers = false }: FlightOptions = {},
): Promise<T> {
  const place = `${path.resolve(directory)}\0${key}`;
  for (;;) {
    signal?.throwIfAborted();
    const found = flights.get(place);
    const flight = found ?? begin(place, { directory, key, work, ignoresErrorsOfOthers }, signal);
    try {
      return (await join(place, flight, signal)) as T;
    } catch (thrown) {
      const isOurs = found === undefined || signal?.aborted === true;
      if (isOurs || !(ignoresErrorsOfOthers || isOnlyFor(flight.starter, thrown))) throw thrown;
    }
  }
}

/** Whether an error is that somebody does not want it any more, which is nothing to others. */
function isOnlyFor(starter: AbortSignal | undefined, thrown: unknown): boolean {
  return starter?.aborted === true || hasCode(StatusError.from(thrown), StatusCode.cancelled);
}

interface Job {
  readonly directory: string;
  readonly key: string;
  readonly work: (signal: AbortSignal) => Promise<unknown>;
  readonly ignoresErrorsOfOthers: boolean;
}

function begin(place: string, job: Job, starter: AbortSignal | undefined): Flight {
  const controller = new AbortController();
  const cancel = (reason: unknown) => controller.abort(reason);
  const isPrivate = (thrown: unknown) => controller.signal.aborted || isOnlyFor(starter, thrown);
  const promise = acrossProcesses(job, controller.signal, isPrivate).finally(() => {
    if (flights.get(place) === flight) flights.delete(place);
  });
  const flight: Flight = { promise, cancel, starter, waiting: 0 };
  flights.set(place, flight);
  return flight;
}

/** Waits for a flight; the last who leaves it before its end aborts it, and others will have to begin a new one. */
async function join(place: string, flight: Flight, signal: AbortSignal | undefined): Promise<unknown> {
  flight.waiting += 1;
  try {
    return await (signal === undefined ? flight.promise : abortable(flight.promise, signal));
  } finally {
    flight.waiting -= 1;
    if (flight.waiting === 0 && flights.get(place) === flight) {
      flights.delete(place);
      flight.cancel(signal?.reason);
    }
  }
}

/** Does the work where no other process is at it, or takes over the outcome of the one that is. */
async function acrossProcesses(
  job: Job,
  signal: AbortSignal,
  isPrivate: (thrown: unknown) => boolean,
): Promise<unknown> {
  const base = path.join(job.directory, createHash("sha256").update(job.key).digest("hex").slice(0, 32));
  const lock = new Lock(`${base}.lock`);
  for (;;) {
    signal.throwIfAborted();
    const { owner, isOurs } = await lock.take();
    if (isOurs) return await doIt(job, signal, { lock, isPrivate, told: `${base}.${owner.name}` });
    const outcome = await waitFor(lock, owner, `${base}.${owner.name}`, signal);
    if (outcome === undefined) continue;
    if (outcome.error === undefined) return outcome.value;
    if (job.ignoresErrorsOfOthers) continue;
    throw new StatusError(outcome.error.code, outcome.error.message);
  }
}

/** What the owner of a lock has to do with those who wait: `told` begins the names of what passes between them. */
interface Ownership {
  readonly lock: Lock;
  readonly told: string;
  readonly isPrivate: (thrown: unknown) => boolean;
}

async function doIt(
  { directory, work }: Job,
  signal: AbortSignal,
  { lock, told, isPrivate }: Ownership,
): Promise<unknown> {
  let outcome: Outcome | undefined;
  try {
    await sweepOutcomes(directory);
    const value = await work(signal);
    outcome = { value };
    return value;
  } catch (thrown) {
    const { code, message } = StatusError.from(thrown);
    if (!isPrivate(thrown)) outcome = { error: { code, message } };
    throw thrown;
  } finally {
    // Without an outcome those who wait do the work themselves, so that nothing is lost where it cannot be written.
    if (outcome !== undefined) await writeOutcome(told, outcome).catch(() => {});
    await lock.release();
  }
}

/** What the owner of a lock has left for those who waited; undefined where it died or did not end the work. */
async function waitFor(
  lock: Lock,
  owner: Owner,
  told: string,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  const knock = `${told}.${uniqueName()}.waiting`;
  await makeDirectory(path.dirname(told));
  try {
    await onFile("write", knock, () => fs.promises.writeFile(knock, "", { mode: 0o600 }));
    while ((await lock.holder())?.name === owner.name) await sleep(LOOK_MS, signal);
    return await readOutcome(told);
  } finally {
    await removeFile(knock);
  }
}

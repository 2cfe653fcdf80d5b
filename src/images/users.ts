/**
 * Who is at work on the images of a host. Whoever fetches, loads or unpacks one brings in what no record refers to
 * yet, so that meanwhile nobody may take it for garbage: each leaves a file in `locks/users`, and garbage is collected
 * only under a lock that nobody takes while there is such a file of a living process. Users look for that lock after
 * they have left their file, the collector for files after it has taken the lock: one of the two sees the other.
 */
import path from "node:path";
import { sleep } from "../base/deadline.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { namesIn, uniqueName } from "./files.ts";
import { LOOK_MS, Lock, type Owner } from "./lock.ts";

/** Does what brings in content, from before the first of it comes until a record refers to all of it. */
export async function whileUsingImages<T>(
  directory: string,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const user = new Lock(path.join(usersOf(directory), `${uniqueName()}.lock`));
  const collector = collectorOf(directory);
  for (;;) {
    await user.take();
    try {
      if ((await collector.holder()) === undefined) return await work();
    } finally {
      await user.release();
    }
    while ((await collector.holder()) !== undefined) await sleep(LOOK_MS, signal);
  }
}

/** How long somebody waits, and until when. */
export interface Patience {
  readonly limitMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Does what nobody may be at work beside; who comes meanwhile waits. `unavailable` that names who is at work past the
 * limit: others come and go in the meantime, as the lock is not held while this waits.
 */
export async function withoutUsers<T>(
  directory: string,
  { limitMs, signal }: Patience,
  work: () => Promise<T>,
): Promise<T> {
  const collector = collectorOf(directory);
  // Not the time of day, which somebody may set.
  for (const giveUp = performance.now() + limitMs; ; ) {
    await collector.takeInTurn(signal);
    try {
      const user = await firstUser(directory);
      if (user === undefined) return await work();
      if (performance.now() >= giveUp) throw stillUsed(directory, user);
    } finally {
      await collector.release();
    }
    await sleep(LOOK_MS, signal);
  }
}

function usersOf(directory: string): string {
  return path.join(directory, "locks/users");
}

function collectorOf(directory: string): Lock {
  return new Lock(path.join(directory, "locks/collector.lock"));
}

async function firstUser(directory: string): Promise<Owner | undefined> {
  const users = usersOf(directory);
  for (const name of (await namesIn(users)).filter((one) => one.endsWith(".lock"))) {
    const user = await new Lock(path.join(users, name)).holder();
    if (user !== undefined) return user;
  }
  return undefined;
}

function stillUsed(directory: string, { pid }: Owner): StatusError {
  const message = `images in ${directory} are being fetched or unpacked by pid ${pid}`;
  return new StatusError(StatusCode.unavailable, message);
}

import PQueue from "p-queue";
import { BenchContainer, type Plan } from "./container.ts";
import type { BenchLab } from "./lab.ts";
import type { Shim } from "./shims.ts";

/** A container whose program runs. */
export async function runningContainer(lab: BenchLab, shim: Shim, plan?: Plan): Promise<BenchContainer> {
  const container = await BenchContainer.prepare(lab, shim, plan);
  await begin(container);
  return container;
}

/** When a start had answered, and the shim its first call, in milliseconds. */
export interface StartTimes {
  readonly printed: number;
  readonly answered: number;
}

/** A start, up to the first answer, and the end of its shim. */
export async function plainStart(lab: BenchLab, shim: Shim): Promise<StartTimes> {
  const container = await BenchContainer.prepare(lab, shim);
  const begun = performance.now();
  await container.start();
  const printed = performance.now() - begun;
  await container.connect();
  const answered = performance.now() - begun;
  await container.shutdown();
  await container.remove();
  return { printed, answered };
}

/** From the call of `start` to a program that runs. */
export async function begin(container: BenchContainer): Promise<void> {
  await container.start();
  await container.connect();
  await container.create();
  await container.run();
}

/** From a program that runs to a shim that has gone. */
export async function end(container: BenchContainer, shared = false): Promise<void> {
  await container.kill();
  await container.wait();
  await container.delete();
  await container.shutdown(shared);
}

/** Ends containers and removes what is left of them, several at a time. */
export async function endAll(containers: readonly BenchContainer[], shared = false): Promise<void> {
  await atOnce(4, containers, async (container) => {
    await end(container, shared);
    await container.remove();
  });
}

/** Does the same with all, so many at a time. */
export async function atOnce<T>(
  concurrency: number,
  all: readonly T[],
  work: (one: T) => Promise<void>,
): Promise<void> {
  await new PQueue({ concurrency }).addAll(all.map((one) => () => work(one)));
}

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

import type { Bench } from "./bench.ts";
import { Streams } from "./streams.ts";
import type { ContainerPlan, TestContainer } from "./test-container.ts";

/**
 * Runs a shell script as init until it has printed `ready`. An OCI runtime may answer before the program has taken
 * its place: a signal at that moment would not reach what it is meant for.
 */
export async function runningReady(
  bench: Bench,
  script: string,
  plan: ContainerPlan = {},
): Promise<TestContainer> {
  const streams = await Streams.open(bench, "ready");
  const container = await bench.running({ ...plan, args: ["sh", "-c", script], request: streams.request });
  await streams.until("ready\n");
  return container;
}

/** The same for a process that Exec adds; returns its pid. */
export async function execReady(
  bench: Bench,
  container: TestContainer,
  execId: string,
  script: string,
): Promise<number> {
  const streams = await Streams.open(bench, `ready-${execId}`);
  const pid = await container.execStarted(execId, { args: ["sh", "-c", script], ...streams.request });
  await streams.until("ready\n");
  return pid;
}

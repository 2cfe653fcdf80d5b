import { Container } from "./container.ts";
import type { ContainerExit, ContainerOptions } from "./container-options.ts";

/** How to run a container from its beginning to its end. */
export interface RunOptions extends ContainerOptions {
  /** Called once the container's program runs, with what may be done with it meanwhile. */
  readonly onStarted?: (container: Pick<Container, "id" | "pid" | "kill">) => void;
}

/** What is left of a container: how it ended, and which process it was. */
export interface RunResult extends ContainerExit {
  readonly pid: number;
}

/**
 * Runs a container and waits for its end: bundle, shim, Create, Start, Wait, Delete, Shutdown. Whatever fails,
 * and on abort, the container is killed and everything that was made for it is removed before this rejects.
 */
export async function runContainer(options: RunOptions): Promise<RunResult> {
  const container = await Container.open(options);
  let failed = true;
  try {
    const pid = await container.start();
    options.onStarted?.(container);
    await container.wait();
    const { exitStatus, exitedAt } = await container.delete();
    await container.shutdown();
    failed = false;
    return { exitStatus, exitedAt, pid };
  } finally {
    // The first failure is the one to tell; a removal that fails after a good run is one, too.
    await container.remove().catch((problem: unknown) => {
      if (!failed) throw problem;
    });
  }
}

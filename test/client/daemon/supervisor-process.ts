/**
 * A program for tests to kill: a supervisor that makes and starts containers, says so, and stays. Its arguments are
 * the supervisor's options and the containers' configurations, as JSON.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ContainerConfig } from "../../../src/client/daemon/container-config.ts";
import { Supervisor, type SupervisorOptions } from "../../../src/client/daemon/supervisor.ts";

/** A process with a supervisor. */
export interface SupervisorProcess {
  /** Resolves when its containers run; rejects with what it says where it ends before. */
  readonly ready: Promise<void>;
  /** Kills it, and waits until it is gone. */
  kill(): Promise<void>;
}

/** Starts one; nothing of it outlives the test's own process but the containers. */
export function startSupervisorProcess(
  options: SupervisorOptions,
  configs: readonly ContainerConfig[],
): SupervisorProcess {
  const words = [options, configs].map((value) => JSON.stringify(value));
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...words], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => resolve());
    child.once("close", (status) => reject(new Error(`the supervisor ended with ${status}`)));
  });
  ready.catch(() => {});
  return {
    ready,
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [options = "{}", configs = "[]"] = process.argv.slice(2);
  process.stdin.on("end", () => process.exit(0)).resume();
  const supervisor = await Supervisor.open(JSON.parse(options) as SupervisorOptions);
  for (const config of JSON.parse(configs) as ContainerConfig[]) {
    await supervisor.create(config);
    await supervisor.start(config.id);
  }
  process.stdout.write("ready\n");
}

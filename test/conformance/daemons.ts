import type { LaunchOptions } from "../../src/client/index.ts";
import { describeEnding, runProgram } from "../../src/client/program.ts";
import { shimArgs, shimEnv, startStdin } from "../../src/client/shim-command.ts";
import { parseStartAnswer } from "../../src/client/start-answer.ts";
import type { Bench } from "./bench.ts";
import type { ContainerPlan, TestContainer } from "./test-container.ts";

/** The generations of the daemon, by the first version that calls `start` in its way. */
export type Daemon = "1.6" | "1.7" | "2.0" | "2.3";

/** What each of them says beside the flags. */
export const DAEMONS: Readonly<Record<Daemon, Partial<LaunchOptions>>> = {
  "1.6": { bootstrap: "legacy", env: { MAX_SHIM_VERSION: "" } },
  "1.7": { bootstrap: "legacy", env: { MAX_SHIM_VERSION: "2" } },
  "2.0": { bootstrap: "legacy", env: { MAX_SHIM_VERSION: "3" } },
  "2.3": { bootstrap: "v2.3", env: { MAX_SHIM_VERSION: "3" } },
};

/** An answer of `start`, and the form it came in. */
export interface FormedAnswer {
  readonly form: "text" | "json" | "protobuf";
  readonly version: number;
  readonly address: string;
  readonly output: Buffer;
}

/** Calls `start` as such a daemon, and reads what it prints, without taking one form for another. */
export async function startAs(bench: Bench, daemon: Daemon, plan: ContainerPlan = {}): Promise<FormedAnswer> {
  const container = await bench.bundle(plan);
  const { output, version, address } = await container.attach(async () => {
    const output = await rawStart(bench, container, DAEMONS[daemon]);
    return { output, ...parseStartAnswer(output) };
  });
  const text = output.toString("utf8").trim();
  const form = text.startsWith("{") ? "json" : text === address ? "text" : "protobuf";
  return { form, version, address, output };
}

/** What `start` prints on both its outputs. Rejects where it fails. */
async function rawStart(
  bench: Bench,
  container: TestContainer,
  more: Partial<LaunchOptions>,
): Promise<Buffer> {
  const command = { ...bench.command(container), ...more };
  const result = await runProgram({
    file: command.binary,
    args: shimArgs(command, "start"),
    cwd: command.bundle,
    env: shimEnv(command),
    stdin: startStdin(command, { ...command, bootstrap: command.bootstrap ?? "legacy" }),
    timeoutMs: 10_000,
  });
  if (result.exitCode !== 0) throw new Error(`start failed, ${describeEnding(result)}`);
  return result.output;
}

import { runProgram } from "../../src/client/program.ts";
import type { Bench } from "./bench.ts";
import type { Need } from "./case.ts";
import { type Daemon, startAs } from "./daemons.ts";

/** How long an answer to `-info` is waited for, in milliseconds. */
const INFO_MS = 10_000;

/**
 * What a shim claims to have: told by how it answers `-info`, and `start` as each generation of the daemon would
 * call it. Nothing is created.
 */
export async function askForClaims(bench: Bench): Promise<Set<Need>> {
  const claims = new Set<Need>();
  if (await answersInfo(bench)) claims.add("info");
  const answers: readonly [Daemon, Need, string][] = [
    ["1.7", "json", "json"],
    ["2.3", "bootstrap", "protobuf"],
  ];
  for (const [daemon, need, form] of answers) {
    const answer = await startAs(bench, daemon).catch(() => undefined);
    if (answer?.form === form) claims.add(need);
    if (answer?.version === 3) claims.add("task-v3");
  }
  return claims;
}

async function answersInfo({ target, dir }: Bench): Promise<boolean> {
  const result = await runProgram({ file: target.binary, args: ["-info"], cwd: dir, timeoutMs: INFO_MS });
  return result.exitCode === 0;
}

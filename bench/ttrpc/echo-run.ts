import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { must } from "../../lab/command.ts";
import { cpuSeconds, memoryOf } from "../process-cost.ts";
import { type Measured, WARM_UP } from "./echo.ts";
import type { Programs } from "./programs.ts";

/** What the client of one run calls. */
export interface Load {
  readonly bytes: number;
  readonly atOnce: number;
  readonly calls: number;
}

/** What was found of one load. */
export interface Loaded extends Measured {
  /** Processor time that the server took for each call, in microseconds. */
  readonly serverUs: number;
}

/** What a run of several loads has found. */
export interface EchoRun<K extends string> {
  readonly loads: Readonly<Record<K, Loaded>>;
  /** Of the server, at the end. */
  readonly memoryMb: number;
  readonly anonymousMb: number;
}

const MB = 1e6;
/** Runs take a second or two. */
const LIMIT_MS = 60_000;

/** Runs loads one after the other against a new server, which is ended in every case. */
export async function runEcho<K extends string>(
  { server, client, env = process.env }: Programs,
  dir: string,
  loads: Readonly<Record<K, Load>>,
): Promise<EchoRun<K>> {
  const socket = path.join(dir, `echo-${serial++}`);
  const [program = "", ...args] = server;
  const child = spawn(program, [...args, socket], { env, stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const pid = child.pid ?? 0;
  try {
    await Promise.race([once(child.stdout, "data"), ended.then(() => Promise.reject(gone(program)))]);
    const found: [string, Loaded][] = [];
    for (const [name, { bytes, atOnce, calls }] of Object.entries<Load>(loads)) {
      const before = cpuSeconds(pid);
      const measured = await call(client, env, [socket, bytes, atOnce, calls]);
      const serverUs = ((cpuSeconds(pid) - before) * 1e6) / (calls * (1 + WARM_UP));
      found.push([name, { ...measured, serverUs }]);
    }
    const { pss, anonymous } = memoryOf(pid);
    // The names are those of the loads.
    const byName = Object.fromEntries(found) as Record<K, Loaded>;
    return { loads: byName, memoryMb: pss / MB, anonymousMb: anonymous / MB };
  } finally {
    child.stdin.destroy();
    child.kill("SIGKILL");
    await ended;
  }
}

let serial = 0;

async function call(
  [program = "", ...before]: readonly string[],
  env: NodeJS.ProcessEnv,
  args: readonly (string | number)[],
): Promise<Measured> {
  return JSON.parse(await must(program, [...before, ...args.map(String)], { env, timeoutMs: LIMIT_MS }));
}

function gone(program: string): Error {
  return new Error(`${program} ended before it served`);
}

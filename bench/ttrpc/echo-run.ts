import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { must } from "../../lab/command.ts";
import { memoryOf } from "../process-cost.ts";
import type { Measured } from "./echo.ts";
import type { Programs } from "./programs.ts";

/** What the client of one run calls. */
export interface Load {
  readonly bytes: number;
  readonly atOnce: number;
  readonly calls: number;
}

/** What a run of several loads has found. */
export interface EchoRun<K extends string> {
  readonly loads: Readonly<Record<K, Measured>>;
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
  try {
    await Promise.race([once(child.stdout, "data"), ended.then(() => Promise.reject(gone(program)))]);
    const found: Partial<Record<K, Measured>> = {};
    for (const [name, load] of Object.entries(loads) as [K, Load][]) {
      found[name] = await call(client, env, [socket, load.bytes, load.atOnce, load.calls]);
    }
    const { pss, anonymous } = memoryOf(child.pid ?? 0);
    return { loads: found as Record<K, Measured>, memoryMb: pss / MB, anonymousMb: anonymous / MB };
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

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after } from "node:test";
import { until } from "../../../lab/until.ts";
import { makePlace, type Place } from "../support.ts";
import { ebbPath } from "./built-ebb.ts";

/** What a command came to. */
export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export interface Run {
  readonly child: ChildProcess;
  readonly output: () => { stdout: string; stderr: string };
  readonly ended: Promise<number | null>;
  /** Waits until its output fits. */
  shows(pattern: RegExp): Promise<void>;
}

/** A place of its own for the commands of a test file, with a supervisor of its own. */
export interface EbbPlace extends Place {
  /** What the environment has to hold. */
  readonly env: Readonly<Record<string, string>>;
  /** Where images and the records of containers are. */
  readonly imagesDir: string;
  start(args: readonly string[], env?: NodeJS.ProcessEnv): Run;
  /** Runs a command to its end, with this as its stdin. */
  run(args: readonly string[], stdin?: string, env?: NodeJS.ProcessEnv): Promise<Finished>;
  /** The pid of the supervisor; undefined where there is none. */
  supervisor(): number | undefined;
  /** Ends the supervisor, if there is one; its containers go on. */
  endSupervisor(signal?: NodeJS.Signals): Promise<void>;
}

/** Makes a place for a file's tests, whose supervisor is ended after them. Call it outside of any test. */
export function makeEbbPlace(name: string): EbbPlace {
  const place = makePlace(name);
  const imagesDir = path.join(path.dirname(place.stateDir), "images");
  const env = { EBB_STATE: place.stateDir, EBB_IMAGES_DIR: imagesDir, EBB_NAMESPACE: place.namespace };
  const start: EbbPlace["start"] = (args, more = {}) => startEbb(args, { ...process.env, ...env, ...more });
  const supervisor = () => pidIn(path.join(place.stateDir, "supervisor.lock"));
  const endSupervisor = async (signal: NodeJS.Signals = "SIGTERM") => {
    const pid = supervisor();
    if (pid === undefined) return;
    process.kill(pid, signal);
    await until("the supervisor to end", () => (supervisor() === undefined ? true : undefined));
  };
  after(() => endSupervisor());
  return {
    ...{ ...place, env, imagesDir, start, supervisor, endSupervisor },
    run: async (args, stdin = "", more = {}) => {
      const { child, output, ended } = start(args, more);
      child.stdin?.end(stdin);
      return { status: await ended, ...output() };
    },
    leftovers: async (ids) => {
      // Where its supervisor lives, what is under way may come to its end.
      const bundles = path.join(place.stateDir, "bundles");
      const records = path.join(place.stateDir, "containers");
      const own = [bundles, records, path.join(place.stateDir, "events")];
      const left = await place.leftovers(ids, own, (line) => line.startsWith(`process ${supervisor()} `));
      await endSupervisor();
      return [...left, ...(await place.leftovers(ids, [bundles, records]))];
    },
  };
}

function startEbb(args: readonly string[], env: NodeJS.ProcessEnv): Run {
  const child = spawn(process.execPath, [ebbPath, ...args], { env });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].on("data", (chunk) => {
      output[name] += String(chunk);
    });
  }
  child.stdin.on("error", () => {});
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const shows = async (pattern: RegExp) => {
    const what = `${pattern} in ${args.join(" ")}`;
    await until(what, () => pattern.test(output.stdout) || undefined).catch((error: Error) => {
      throw new Error(`${error.message}: ${JSON.stringify(output)}`);
    });
  };
  return { child, output: () => output, ended, shows };
}

function pidIn(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    return pid > 0 && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8")) ? pid : undefined;
  } catch {
    return undefined;
  }
}

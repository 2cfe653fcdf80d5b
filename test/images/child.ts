import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

/** A program of this folder that runs in a process of its own. */
export interface Child {
  readonly process: ChildProcess;
  /** The next line that it writes; undefined once it has ended. */
  line(): Promise<string | undefined>;
  /** All lines that are left, once it has ended. */
  rest(): Promise<string[]>;
  /** Kills it without warning, and resolves when it has gone. */
  kill(): Promise<void>;
}

/** Starts a program of this folder, under the runtime of the test; it is killed after the test file at the latest. */
export function startChild(program: string, ...args: readonly string[]): Child {
  const here = fileURLToPath(import.meta.url);
  const file = path.join(path.dirname(here), `${program}${path.extname(here)}`);
  const child = spawn(process.execPath, [file, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const exit = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => (await lines.next()).value as string | undefined;
  after(() => child.kill("SIGKILL"));
  return {
    process: child,
    line,
    rest: async () => {
      const found: string[] = [];
      for (let next = await line(); next !== undefined; next = await line()) found.push(next);
      return found;
    },
    kill: async () => {
      child.kill("SIGKILL");
      await exit;
    },
  };
}

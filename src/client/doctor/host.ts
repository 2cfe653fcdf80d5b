import { constants } from "node:fs";
import { access, readFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { runProgram } from "../program.ts";

/** How a program ended, and what it wrote, trimmed. */
export interface Answer {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** What checks ask of a machine. */
export interface Host {
  readonly uid: number;
  /** The kernel's release, such as `6.1.0-18-amd64`. */
  readonly kernel: string;
  readonly env: NodeJS.ProcessEnv;
  /** The text of a file; undefined where it cannot be read. */
  read(file: string): Promise<string | undefined>;
  /** Where PATH has a program; undefined where it has none. */
  find(program: string): Promise<string | undefined>;
  /** Runs a program, in English; rejects where it cannot be run, and past the limit. */
  run(program: string, ...args: string[]): Promise<Answer>;
}

/** The machine that this process runs on. Each program that is asked has that many milliseconds. */
export function thisHost(programMs: number, env: NodeJS.ProcessEnv = process.env): Host {
  return {
    uid: process.getuid?.() ?? -1,
    kernel: os.release(),
    env,
    read: (file) => readFile(file, "utf8").catch(() => undefined),
    find: (program) => find(program, env.PATH ?? ""),
    async run(file, ...args) {
      const call = { file, args, env: { ...env, LC_ALL: "C" }, timeoutMs: programMs };
      const { exitCode, stdout, stderr } = await runProgram(call);
      return { exitCode, stdout: stdout.toString().trim(), stderr: stderr.toString().trim() };
    },
  };
}

async function find(program: string, searchPath: string): Promise<string | undefined> {
  for (const dir of searchPath.split(":")) {
    const file = path.resolve(dir, program);
    if (dir !== "" && (await isExecutable(file))) return file;
  }
  return undefined;
}

function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { within } from "../../src/base/deadline.ts";
import { StatusCode, StatusError } from "../../src/base/status.ts";
import { type ShimCommand, shimArgs, shimEnv } from "../../src/client/shim-command.ts";
import { BenchContainer } from "../container.ts";
import type { BenchLab } from "../lab.ts";
import type { Shim } from "../shims.ts";
import { findMarks, type Mark } from "./marks.ts";
import { parseTrace } from "./trace.ts";

/** The calls that any mark is told by: each stops the program for a moment, all others do not. */
const CALLS =
  "execve,fork,vfork,clone,clone3,openat,bind,listen,accept,accept4,write,writev,sendto,sendmsg,exit_group";
/** Long enough for every path. */
const STRING_BYTES = 512;
const LIMIT_MS = 60_000;

/** A start under strace, up to where Create calls the OCI runtime. */
export async function tracedStart(lab: BenchLab, shim: Shim): Promise<Mark[]> {
  const container = await BenchContainer.prepare(lab, shim);
  const file = path.join(lab.dir, `trace-${container.id}`);
  let ended: Promise<unknown[]> = Promise.resolve([]);
  await container.start((command) => {
    const strace = traced(command, file, lab.env);
    ended = once(strace, "exit");
    const tooSoon = ended.then(([status]) => {
      throw new StatusError(
        StatusCode.unknown,
        `strace ended with exit status ${status} before start answered`,
      );
    });
    const answer = once(strace.stdout, "data").then(([data]) => data);
    return within(Promise.race([answer, tooSoon]), LIMIT_MS, "an answer of start under strace");
  });
  await container.connect();
  await container.create();
  await container.kill();
  await container.delete();
  await container.shutdown();
  // It ends with the last process that it looks at.
  await within(ended, LIMIT_MS, "the end of strace");
  await container.remove();
  return findMarks(parseTrace(readFileSync(file, "utf8")), shim.binary);
}

function traced(command: ShimCommand, file: string, more: BenchLab["env"]) {
  const flags = ["-f", "--seccomp-bpf", "-ttt", "-s", String(STRING_BYTES), "-e", `trace=${CALLS}`];
  const args = [...flags, "-o", file, command.binary, ...shimArgs(command, "start")];
  return spawn("strace", args, {
    cwd: command.bundle,
    env: { ...shimEnv(command), ...more },
    stdio: ["ignore", "pipe", "inherit"],
  });
}

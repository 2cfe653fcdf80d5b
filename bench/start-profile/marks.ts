import { programOf } from "../shims.ts";
import type { TracedCall } from "./trace.ts";

/** The two processes of a start. */
export type Lane = "start" | "server";

/** Something that can be seen from outside, by a system call. */
export interface Mark {
  readonly lane: Lane;
  readonly title: string;
  /** In milliseconds since the start was executed. */
  readonly at: number;
}

type Find = (calls: readonly TracedCall[]) => TracedCall | undefined;

const first =
  (pattern: RegExp): Find =>
  (calls) =>
    calls.find(({ text }) => pattern.test(text));

/** What to look for. One that is not there, as a start may do without it, is left out. */
const MARKS: Readonly<Record<Lane, Readonly<Record<string, Find>>>> = {
  start: {
    executed: first(/^execve\(/),
    "shell forked for the server": first(/^(?:v?fork\(|clone3?\((?!.*CLONE_THREAD))/),
    ended: first(/^exit_group\(/),
  },
  server: {
    executed: first(/^execve\(/),
    "program and libraries loaded": first(/^openat\(.*"\/proc\/self\/maps"/),
    "first JavaScript: looks for config.json": first(/^openat\(.*"(?!\/etc\/)[^"]*\bconfig\.json"/),
    "settings looked for": first(/^openat\(.*"\/etc\/ebb\//),
    "socket bound": first(/^bind\(.*AF_UNIX/),
    "address printed": first(/^write\(1, /),
    "log opened": first(/^openat\(.*"(?:[^"]*\/)?log", .* = \d+$/),
    "koffi's native part opened": first(/^openat\(.*koffi[^"/]*\.node", .* = \d+$/),
    "connection accepted": first(/^accept4?\(.* = \d+$/),
    "first call answered (Connect)": answer,
    "runc called (Create)": first(/^(?:vfork\(|clone3?\((?!.*CLONE_THREAD))/),
  },
};

/** What is first written to the connection that was accepted first. */
function answer(calls: readonly TracedCall[]): TracedCall | undefined {
  const accepted = first(/^accept4?\(.* = \d+$/)(calls);
  if (accepted === undefined) return undefined;
  const fd = / = (\d+)$/.exec(accepted.text)?.[1];
  const written = new RegExp(`^(?:write|writev|sendto|sendmsg)\\(${fd}, `);
  return calls.find(({ at, text }) => at > accepted.at && written.test(text));
}

/** The marks of a trace, those of `start` first, each process's in the order of time. */
export function findMarks(calls: readonly TracedCall[], binary: string): Mark[] {
  const executed = (file: string) => calls.find(({ text }) => text.startsWith(`execve("${file}"`));
  const [start, server] = [executed(binary), executed(programOf(binary))];
  if (start === undefined || server === undefined) throw new Error(`no start of ${binary} in the trace`);
  const lanes = { start: start.pid, server: server.pid };
  const of = (lane: Lane) => calls.filter(({ pid }) => pid === lanes[lane]);
  // What a new process does before it executes the program is still part of the one that made it.
  const own = { start: of("start"), server: of("server").filter(({ at }) => at >= server.at) };
  return (["start", "server"] as const).flatMap((lane) =>
    Object.entries(MARKS[lane])
      .flatMap(([title, find]) => {
        const found = find(own[lane]);
        return found === undefined ? [] : [{ lane, title, at: (found.at - start.at) * 1_000 }];
      })
      .sort((a, b) => a.at - b.at),
  );
}

import Table from "cli-table3";
import type { MountHolder } from "../../linux/mount-holders.ts";
import type { PendingRelease } from "../pending.ts";

/** How to show it. */
export interface PendingTableOptions {
  /** A row below each release, of where in the kernel its helper is. */
  readonly stack: boolean;
  /** Columns without a frame, for what is no terminal. */
  readonly plain: boolean;
}

const HEAD = ["CONTAINER", "SOURCE", "DEVICE", "AGE", "HELPER", "STATE"];

/** A table without a frame; two blanks are between its columns. */
const NO_FRAME = {
  ...{ top: "", "top-mid": "", "top-left": "", "top-right": "" },
  ...{ bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" },
  ...{ left: "", "left-mid": "", mid: "", "mid-mid": "", right: "", "right-mid": "", middle: "  " },
};

/** Releases as a table for people, and below it who else holds them. */
export function describePending(releases: readonly PendingRelease[], options: PendingTableOptions): string {
  const style = { head: [], border: [], ...(options.plain && { "padding-left": 0, "padding-right": 0 }) };
  const table = new Table({ head: HEAD, style, ...(options.plain && { chars: NO_FRAME }) });
  for (const release of releases) {
    table.push(rowOf(release));
    if (options.stack) table.push([{ colSpan: HEAD.length, content: stackText(release) }]);
  }
  const lines = [...table.toString().split("\n"), ...releases.flatMap(holderLines)];
  return lines.map((line) => line.trimEnd()).join("\n");
}

function rowOf(release: PendingRelease): string[] {
  const { namespace, id, source, device, ageMs, helper, state } = release;
  return [`${namespace}/${id}`, source, device || "-", ageText(ageMs), String(helper.pid), state];
}

function stackText({ stack }: PendingRelease): string {
  const calls = stack.length > 0 ? stack : ["its kernel stack may not be read"];
  return calls.map((call) => `  ${call}`).join("\n");
}

function holderLines({ namespace, id, holders }: PendingRelease): string[] {
  const name = `${namespace}/${id}`;
  if (holders === null) return [`${name}: who else has it mounted is not known`];
  return holders.map((holder) => `${name} is also mounted ${whereOf(holder)}`);
}

function whereOf({ namespace, pids, processes, mountPoints }: MountHolder): string {
  const more = processes > pids.length ? ` and ${processes - pids.length} more` : "";
  const who = `${processes === 1 ? "pid" : "pids"} ${pids.join(", ")}${more}`;
  return `at ${mountPoints.join(", ")} in mount namespace ${namespace} (${who})`;
}

/** The units of an age, the largest first, in seconds. */
const UNITS: readonly [name: string, seconds: number][] = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
];

/** An age as people say it, in at most its two largest units: `4 s`, `2 min 5 s`, `3 d 1 h`. */
export function ageText(ms: number): string {
  let rest = Math.floor(ms / 1000);
  const parts = UNITS.map(([name, unit]) => {
    const count = Math.floor(rest / unit);
    rest %= unit;
    return { name, count };
  });
  const first = parts.findIndex(({ count, name }) => count > 0 || name === "s");
  const [largest, next] = parts.slice(first, first + 2);
  const shown = [largest, next?.count === 0 ? undefined : next].filter((part) => part !== undefined);
  return shown.map(({ count, name }) => `${count} ${name}`).join(" ");
}

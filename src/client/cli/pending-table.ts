import type { MountHolder } from "../../linux/mount-holders.ts";
import type { PendingRelease } from "../pending.ts";
import { describeTable, type Row, type TableOptions } from "./table.ts";
import { ageText, printable } from "./words.ts";

/** How to show it. */
export interface PendingTableOptions extends TableOptions {
  /** A row below each release, of where in the kernel its helper is. */
  readonly stack: boolean;
}

const HEAD = ["CONTAINER", "SOURCE", "DEVICE", "AGE", "HELPER", "STATE"];

/** Releases as a table for people, and below it who else holds them. */
export function describePending(releases: readonly PendingRelease[], options: PendingTableOptions): string {
  const rows = releases.flatMap((release): Row[] =>
    options.stack ? [rowOf(release), { note: stackLines(release) }] : [rowOf(release)],
  );
  return [describeTable(HEAD, rows, options), ...releases.flatMap(holderLines)].join("\n");
}

function rowOf(release: PendingRelease): string[] {
  const { namespace, id, source, device, ageMs, helper, state } = release;
  return [`${namespace}/${id}`, source, device || "-", ageText(ageMs), String(helper.pid), state];
}

function stackLines({ stack }: PendingRelease): readonly string[] {
  return stack.length > 0 ? stack : ["its kernel stack may not be read"];
}

function holderLines({ namespace, id, holders }: PendingRelease): string[] {
  const name = printable(`${namespace}/${id}`);
  if (holders === null) return [`${name}: who else has it mounted is not known`];
  return holders.map((holder) => `${name} is also mounted ${whereOf(holder)}`);
}

function whereOf({ namespace, pids, processes, mountPoints }: MountHolder): string {
  const more = processes > pids.length ? ` and ${processes - pids.length} more` : "";
  const who = `${processes === 1 ? "pid" : "pids"} ${pids.join(", ")}${more}`;
  return `at ${mountPoints.map(printable).join(", ")} in mount namespace ${namespace} (${who})`;
}

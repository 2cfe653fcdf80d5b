import os from "node:os";
import { StatusCode, StatusError } from "../../base/status.ts";

const SIGTERM = 15;
/** The first and the last real-time signal, as the C library counts them. */
const SIGRTMIN = 34;
const MAX_SIGNAL = 64;

/** The number of a signal as images name it: `SIGINT`, `INT`, `2`, `SIGRTMIN+3`; SIGTERM where none is named. */
export function stopSignalOf(name: string | undefined): number {
  if (name === undefined || name === "") return SIGTERM;
  const word = name.toUpperCase().replace(/^SIG/, "");
  const realTime = /^RTMIN(?:\+(\d+))?$/.exec(word);
  const names: Readonly<Record<string, number>> = os.constants.signals;
  const number = realTime ? SIGRTMIN + Number(realTime[1] ?? 0) : (names[`SIG${word}`] ?? Number(word));
  if (Number.isInteger(number) && number >= 1 && number <= MAX_SIGNAL) return number;
  throw new StatusError(StatusCode.invalidArgument, `stop signal ${JSON.stringify(name)} is none`);
}

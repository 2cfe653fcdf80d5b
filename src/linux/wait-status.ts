/** How a process ended: by exit with a code, or by a signal. */
export type Ending = { readonly code: number } | { readonly signal: number };

/** Decodes the status of waitpid(2) of a process that has ended. Source: bits/waitstatus.h. */
export function decodeWaitStatus(status: number): Ending {
  const signal = status & 0x7f;
  return signal === 0 ? { code: (status >> 8) & 0xff } : { signal };
}

/** The one number that the task API and shells have for an ending: the code, or 128 + the signal. */
export function exitStatusOf(ending: Ending): number {
  return "code" in ending ? ending.code : 128 + ending.signal;
}

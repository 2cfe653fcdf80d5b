import os from "node:os";

/** The signals that are passed on to the container's init. */
const FORWARDED = [
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGCONT",
  "SIGALRM",
] as const;

/** Those that ask for the end. */
const ENDING: ReadonlySet<NodeJS.Signals> = new Set(["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]);

/** How many times somebody asks for the end until it is a SIGKILL: an init without a handler hears no other. */
const TRIES = 3;

/** The number of a signal on this system. */
export function signalNumber(name: NodeJS.Signals): number {
  return os.constants.signals[name];
}

/** What the signals that reach this process are turned into. */
export interface SignalTargets {
  /** Gets each signal for the container; the third one that asks for the end arrives as SIGKILL. */
  readonly forward: (signal: number) => void;
  /** Called instead of `forward` for a signal that asks for the end while there is no container to tell. */
  readonly abort: (signal: NodeJS.Signals) => void;
  /** Whether there is a container that hears signals. */
  readonly running: () => boolean;
}

/** Turns this process's signals over to the container until the returned function is called. */
export function forwardSignals(targets: SignalTargets): () => void {
  let asked = 0;
  const onSignal = (name: NodeJS.Signals) => {
    if (ENDING.has(name)) asked += 1;
    if (targets.running()) targets.forward(asked >= TRIES ? signalNumber("SIGKILL") : signalNumber(name));
    else if (ENDING.has(name)) targets.abort(name);
  };
  for (const name of FORWARDED) process.on(name, onSignal);
  return () => {
    for (const name of FORWARDED) process.off(name, onSignal);
  };
}

import path from "node:path";

/** The files of the supervisor of a state directory. */
export interface SupervisorPlace {
  /** Where it listens. */
  readonly socket: string;
  /** Who has its lock is the supervisor; tells its pid. */
  readonly lock: string;
  /** What it has to say, where it was started by a command. */
  readonly log: string;
}

/** Where the supervisor of a state directory has its files. */
export function supervisorPlace(stateDir: string): SupervisorPlace {
  const at = (name: string) => path.join(stateDir, `supervisor.${name}`);
  return { socket: at("sock"), lock: at("lock"), log: at("log") };
}

/** Where a container is in its life. `gone` is never listed: it is what the last change says. */
export type Phase = "creating" | "created" | "running" | "paused" | "stopped" | "gone";

/** How a process has ended; 128 + the signal's number where a signal has ended it. */
export interface Ending {
  readonly exitStatus: number;
  readonly exitedAt: Date | undefined;
}

/** What is known of a further process of a container. */
export interface ExecStatus {
  readonly execId: string;
  readonly pid: number;
  /** Undefined while it runs. */
  readonly ending: Ending | undefined;
}

/** What is known of a container. It never changes: what is new comes as another one. */
export interface ContainerStatus {
  readonly id: string;
  readonly phase: Phase;
  /** The pid of its init in the host's pid namespace; 0 before there is one. */
  readonly pid: number;
  /** How its init has ended; undefined before. */
  readonly ending: Ending | undefined;
  /** Whether it ever was out of memory. */
  readonly outOfMemory: boolean;
  /**
   * Its further processes, until their shim has deleted them. There is an end to how many are listed: then those are
   * left out first that ended long ago.
   */
  readonly execs: readonly ExecStatus[];
  /** Whether the shim has said so since this supervisor began; otherwise it is what the last one wrote down. */
  readonly confirmed: boolean;
  /** What could not be done for it yet and is tried again. */
  readonly problem: string | undefined;
}

/** A container of which nothing but the id is known. */
export function newStatus(id: string, known: Partial<ContainerStatus> = {}): ContainerStatus {
  return Object.freeze({
    id,
    phase: "creating",
    pid: 0,
    ending: undefined,
    outOfMemory: false,
    execs: Object.freeze([]),
    confirmed: true,
    problem: undefined,
    ...known,
  });
}

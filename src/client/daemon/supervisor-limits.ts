import type { BackOff } from "./retry-queue.ts";

/** How long a supervisor waits for what others do, in milliseconds; past them it goes on without, or tries again. */
export interface SupervisorLimits {
  /** `start` of a shim and the connection to it: some hundred on an idle host, more where everything is read anew. */
  readonly launchMs: number;
  /** Create, Start, Exec: the mount of a rootfs may wait for a release of the same, and a hook may be slow. */
  readonly createMs: number;
  /** Kill, Pause, Resume, ResizePty, CloseIO, State, Stats: nothing in them takes long but a shim that hangs. */
  readonly callMs: number;
  /** Delete: as long as containerd gives a shim for the cleanup of a container. */
  readonly deleteMs: number;
  /** The end of a container after SIGKILL: a process may sleep on a disk for longer than people wait. */
  readonly killMs: number;
  /** Connection to a shim that an earlier supervisor has launched: it listens, or it is dead. */
  readonly reconnectMs: number;
  /** Reading users and groups of an image: two small files, of a disk that may be busy. */
  readonly userMs: number;
  /** One thing to do on the disk for a container, as its record: a journal that is written out may delay it. */
  readonly diskMs: number;
  /** Removal of what a container has written: many files on a slow disk; tried again after that. */
  readonly layerMs: number;
  /** The waits between attempts of what is tried until it succeeds. */
  readonly backOff: BackOff;
}

/** What counts where nothing else is said. */
export const DEFAULT_LIMITS: SupervisorLimits = {
  launchMs: 20_000,
  createMs: 60_000,
  callMs: 10_000,
  deleteMs: 15_000,
  killMs: 10_000,
  reconnectMs: 5_000,
  userMs: 10_000,
  diskMs: 30_000,
  layerMs: 600_000,
  backOff: { firstMs: 100, maxMs: 10_000 },
};

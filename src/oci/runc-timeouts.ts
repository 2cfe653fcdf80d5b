import type { RuncCommand } from "./runc-error.ts";

/** How long each command of the OCI runtime may take before it is killed, in milliseconds. */
export type RuncTimeouts = Readonly<Record<RuncCommand, number>>;

// What only reads the runtime's files and /proc, or sends a signal: milliseconds on an idle host.
const READ_MS = 10_000;
// What makes or starts a container runs the user's hooks, waits for the disk that holds the rootfs, and may
// ask systemd for a cgroup: two minutes is what the kubelet gives a whole request.
const MAKE_MS = 120_000;
// What changes the cgroup of a living container: the freezer retries while its processes are busy.
const CGROUP_MS = 30_000;
// What criu does takes as long as the memory is large.
const CRIU_MS = 600_000;

/** The defaults, each with its reason. */
export const defaultRuncTimeouts: RuncTimeouts = {
  create: MAKE_MS,
  start: MAKE_MS,
  exec: MAKE_MS,
  // Ends with the container.
  run: Infinity,
  kill: READ_MS,
  // runc itself waits up to 10 s for a process it has killed, then retries to remove its cgroups.
  delete: CGROUP_MS,
  state: READ_MS,
  list: READ_MS,
  ps: READ_MS,
  events: READ_MS,
  features: READ_MS,
  version: READ_MS,
  pause: CGROUP_MS,
  resume: CGROUP_MS,
  update: CGROUP_MS,
  checkpoint: CRIU_MS,
  restore: CRIU_MS,
};

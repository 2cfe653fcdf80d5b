import { StatusCode, StatusError } from "../base/status.ts";

/** Every limit of the shim that a host may want to change. Times are milliseconds. */
export interface Settings {
  /** How long `start` waits for the server it launched to say that it serves. */
  readonly serverReadyMs: number;
  /** How long mounting a rootfs may take. */
  readonly mountMs: number;
  /** How long Delete waits for the exit of an init that `runc delete` has just killed. */
  readonly exitMs: number;
  /** How long one attempt to hand an event to the daemon may take. */
  readonly eventMs: number;
  /** How many events wait for the daemon before the oldest other than exits and deletes are given up. */
  readonly eventQueue: number;
  /** How long the server goes on sending events after Shutdown before it exits. */
  readonly shutdownMs: number;
  /** How long the `delete` subcommand may take; the daemon kills it after 5 s. */
  readonly deleteMs: number;
}

/** The defaults, each with its reason. */
export const defaultSettings: Settings = {
  // The server needs some 20 ms; a host that swaps or is throttled may need seconds. The daemon waits longer.
  serverReadyMs: 10_000,
  // Making the work directories of an overlay waits for the disk's journal, which a busy disk makes slow;
  // two minutes is what the kubelet gives a whole request.
  mountMs: 120_000,
  // A killed process is gone at once unless it sits in an uninterruptible call.
  exitMs: 10_000,
  // The Go shim's figure: a daemon that works answers at once.
  eventMs: 5_000,
  // Some kilobytes each in a burst; a shim serves few containers.
  eventQueue: 4_096,
  // The daemon allows the shim 3 s to go after Shutdown, then it kills.
  shutdownMs: 1_000,
  // Stays below the daemon's own 5 s so that the answer is written before the kill.
  deleteMs: 4_500,
};

const VARIABLES: Readonly<Record<keyof Settings, string>> = {
  serverReadyMs: "EBB_SERVER_READY_MS",
  mountMs: "EBB_MOUNT_MS",
  exitMs: "EBB_EXIT_MS",
  eventMs: "EBB_EVENT_MS",
  eventQueue: "EBB_EVENT_QUEUE",
  shutdownMs: "EBB_SHUTDOWN_MS",
  deleteMs: "EBB_DELETE_MS",
};

/**
 * The settings for an environment: the defaults, where no `EBB_…` variable says otherwise. The daemon hands
 * its own environment to its shims. A value that is no positive whole number is `invalidArgument`.
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const settings: Record<keyof Settings, number> = { ...defaultSettings };
  for (const [key, variable] of Object.entries(VARIABLES) as [keyof Settings, string][]) {
    const text = env[variable];
    if (text === undefined || text === "") continue;
    if (!/^[1-9]\d{0,9}$/.test(text)) {
      const message = `${variable} must be a whole number from 1 to 9999999999, not ${JSON.stringify(text)}`;
      throw new StatusError(StatusCode.invalidArgument, message);
    }
    settings[key] = Number(text);
  }
  return settings;
}

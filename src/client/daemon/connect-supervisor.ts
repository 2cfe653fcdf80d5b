import { type Deadline, deadline, sleep } from "../../base/deadline.ts";
import { hasCode, StatusCode, StatusError } from "../../base/status.ts";
import { type ebb, supervisor } from "../../proto/own.ts";
import { type Client, type ClientConnection, connect, createClient } from "../../ttrpc/index.ts";
import { supervisorPlace } from "./place.ts";
import { type StartedSupervisor, startSupervisor } from "./start-supervisor.ts";

/** How long until a supervisor that had to be started answers, unless said otherwise, in milliseconds. */
const START_TIMEOUT_MS = 20_000;

/** How soon it is tried again while it starts, in milliseconds. */
const RETRY_MS = 20;

/** What may be asked of a supervisor: one function per method. */
export type SupervisorClient = Client<typeof supervisor>;

/** Which supervisor to connect to. */
export interface ConnectSupervisorOptions {
  readonly stateDir: string;
  /** Ours, which it has to be of as well: nobody else speaks this protocol. */
  readonly version: string;
  /** The program and its arguments that start one where there is none. */
  readonly start?: readonly string[];
  /** How long until it answers, in milliseconds; 20 s if not given. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** A connection to a supervisor that answers. */
export interface SupervisorConnection {
  readonly calls: SupervisorClient;
  readonly pid: number;
  close(): void;
}

/**
 * Connects to the supervisor of a state directory, which is started where nobody listens. Throws `unavailable` where
 * none may be started, `failedPrecondition` for one of another version, `permissionDenied` for who is not root,
 * `internal` with the reason where it could not be started, and `deadlineExceeded`.
 */
export async function connectSupervisor(options: ConnectSupervisorOptions): Promise<SupervisorConnection> {
  const { stateDir, timeoutMs = START_TIMEOUT_MS, start } = options;
  const time = deadline(timeoutMs, `waiting for the supervisor of ${stateDir}`, options.signal);
  let started: StartedSupervisor | undefined;
  try {
    for (;;) {
      const found = await tryOnce(options, time);
      if (found !== undefined) return found;
      if (start === undefined) throw nobodyListens(stateDir);
      // One that has ended well has met another, which may be about to end: then it is started once more.
      if (started?.ended() ?? true) started = startSupervisor(start, stateDir);
      await sleep(RETRY_MS, time.signal);
    }
  } finally {
    time.cleanup();
  }
}

function nobodyListens(stateDir: string): StatusError {
  return new StatusError(
    StatusCode.unavailable,
    `no supervisor listens on ${supervisorPlace(stateDir).socket}`,
  );
}

/** The connection, or undefined where nobody listens or who listened is about to end. */
async function tryOnce(
  options: ConnectSupervisorOptions,
  { signal }: Deadline,
): Promise<SupervisorConnection | undefined> {
  let connection: ClientConnection | undefined;
  try {
    connection = await connect(`unix://${supervisorPlace(options.stateDir).socket}`, { signal });
    const calls = createClient(supervisor, connection);
    const { pid, version } = await calls.hello({}, { signal });
    if (version !== options.version) throw otherVersion(options, { pid, version });
    return { calls, pid, close: () => connection?.close() };
  } catch (error) {
    connection?.close();
    if (hasCode(error, StatusCode.unavailable)) return undefined;
    throw error;
  }
}

function otherVersion(
  { stateDir, version }: ConnectSupervisorOptions,
  other: ebb.client.v1.IHelloResponse,
): StatusError {
  const message =
    `the supervisor of ${stateDir} (pid ${other.pid}) is of version ${other.version}, this is ${version}: ` +
    `end it by \`kill ${other.pid}\` and call again; its containers go on meanwhile`;
  return new StatusError(StatusCode.failedPrecondition, message);
}

import { isReleaseMode, RELEASE_MODES } from "../base/release-mode.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { readConfig } from "../config/config.ts";
import { defaultConfig } from "../config/defaults.ts";
import { limitsSchema } from "../config/limits.ts";
import { isRunDirectory, RUN_DIRECTORY_VARIABLE } from "../config/run-directory.ts";
import { CALL_WAYS, type RuntimeConfig, STDIO_WAYS } from "../config/schema.ts";

type Limits = RuntimeConfig["limits"];

/** What a host may want to change of the shim, limits included: src/config/schema.ts says what each is. */
export type Settings = Readonly<Omit<RuntimeConfig, "limits"> & Limits>;

type Environment = Readonly<Record<string, string | undefined>>;

/** The settings of a host that changes nothing. */
export const defaultSettings: Settings = flat(defaultConfig.runtime);

/** The environment variable that overrules each setting. */
export const VARIABLES: Readonly<Record<keyof Settings, string>> = {
  release: "EBB_RELEASE",
  start: "EBB_START",
  delete: "EBB_DELETE",
  stdio: "EBB_STDIO",
  runDirectory: RUN_DIRECTORY_VARIABLE,
  serverReadyMs: "EBB_SERVER_READY_MS",
  standbyAtOnce: "EBB_STANDBY_AT_ONCE",
  standbyMs: "EBB_STANDBY_MS",
  standbyAnswerMs: "EBB_STANDBY_ANSWER_MS",
  standbyContainers: "EBB_STANDBY_CONTAINERS",
  mountMs: "EBB_MOUNT_MS",
  mountsAtOnce: "EBB_MOUNTS_AT_ONCE",
  pendingMs: "EBB_PENDING_MS",
  exitMs: "EBB_EXIT_MS",
  execExitMs: "EBB_EXEC_EXIT_MS",
  consoleMs: "EBB_CONSOLE_MS",
  stdioOpenMs: "EBB_STDIO_OPEN_MS",
  loggerReadyMs: "EBB_LOGGER_READY_MS",
  drainMs: "EBB_DRAIN_MS",
  loggerEndMs: "EBB_LOGGER_END_MS",
  loggerStopMs: "EBB_LOGGER_STOP_MS",
  statsMs: "EBB_STATS_MS",
  releaseMs: "EBB_RELEASE_MS",
  turnMs: "EBB_TURN_MS",
  eventMs: "EBB_EVENT_MS",
  eventQueue: "EBB_EVENT_QUEUE",
  unusedMs: "EBB_UNUSED_MS",
  shutdownMs: "EBB_SHUTDOWN_MS",
  deleteMs: "EBB_DELETE_MS",
};

/**
 * The settings of this host: its configuration file, overruled by the `EBB_…` variables of the environment,
 * which the daemon hands to its shims. Whatever is wrong is an error that names the file and each place in it
 * ({@link readConfig}), or the variable (`invalidArgument`).
 */
export async function readSettings(env: Environment): Promise<Settings> {
  return overrule(await fileSettings(env), env);
}

/** The settings of this host's configuration file alone, errors as of {@link readConfig}. */
export async function fileSettings(env: Environment): Promise<Settings> {
  return flat((await readConfig(env)).runtime);
}

/** Settings as the environment has them where it has any. A value that cannot be one is `invalidArgument`. */
export function overrule(settings: Settings, env: Environment): Settings {
  const keys = Object.keys(VARIABLES) as (keyof Settings)[];
  const set = keys.filter((key) => (env[VARIABLES[key]] ?? "") !== "");
  const changes = set.map((key) => [key, fromText(key, env[VARIABLES[key]] ?? "")]);
  return { ...settings, ...Object.fromEntries(changes) };
}

function flat({ limits, ...others }: RuntimeConfig): Settings {
  return { ...others, ...limits };
}

function fromText(key: keyof Settings, text: string): Settings[keyof Settings] {
  const refuse = (what: string) =>
    new StatusError(
      StatusCode.invalidArgument,
      `${VARIABLES[key]} must be ${what}, not ${JSON.stringify(text)}`,
    );
  switch (key) {
    case "release":
      if (isReleaseMode(text)) return text;
      throw refuse(`one of ${RELEASE_MODES.join(", ")}`);
    case "start":
    case "delete":
    case "stdio": {
      const ways = key === "stdio" ? STDIO_WAYS : CALL_WAYS;
      const way = ways.find((name) => name === text);
      if (way !== undefined) return way;
      throw refuse(`one of ${ways.join(", ")}`);
    }
    case "runDirectory":
      if (isRunDirectory(text)) return text;
      throw refuse("an absolute path");
    default: {
      const { minimum, maximum } = limitsSchema.properties[key];
      const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
      if (number >= minimum && number <= maximum) return number;
      throw refuse(`a whole number from ${minimum} to ${maximum}`);
    }
  }
}

import { StatusCode, StatusError } from "../base/status.ts";
import { readConfig } from "./config.ts";
import { runtimeSchema } from "./schema.ts";

/** The environment variable that overrules the configuration's run directory. */
export const RUN_DIRECTORY_VARIABLE = "EBB_RUN_DIR";

const PATTERN = new RegExp(runtimeSchema.properties.runDirectory.pattern);

/** Whether a path can be that of a run directory. */
export function isRunDirectory(path: string): boolean {
  return PATTERN.test(path);
}

/**
 * The run directory of this host's shims: the one that the environment names, else the configuration's. A path
 * that cannot be one is `invalidArgument`; the configuration's errors are those of {@link readConfig}.
 */
export async function readRunDirectory(env: Readonly<Record<string, string | undefined>>): Promise<string> {
  const named = env[RUN_DIRECTORY_VARIABLE] ?? "";
  if (named === "") return (await readConfig(env)).runtime.runDirectory;
  if (isRunDirectory(named)) return named;
  const message = `${RUN_DIRECTORY_VARIABLE} must be an absolute path, not ${JSON.stringify(named)}`;
  throw new StatusError(StatusCode.invalidArgument, message);
}

import path from "node:path";
import { readTextFile } from "../base/files.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { defaultConfig } from "./defaults.ts";
import type { Config } from "./schema.ts";

/** Where the configuration is unless EBB_CONFIG names another file. */
export const DEFAULT_CONFIG_FILE = "/etc/ebb/config.json";

/** No configuration comes near it: one that names every setting has some kilobytes. */
const MAX_CONFIG_BYTES = 64 << 10;

/**
 * The host's configuration: from the file that EBB_CONFIG names, else from {@link DEFAULT_CONFIG_FILE} where
 * there is one, else the defaults. Whatever is wrong with the file is one error that begins with its path and
 * names every place in it: `invalidArgument`; `notFound` where EBB_CONFIG names no file. What checks a file
 * is loaded only where there is one: every start of a container waits for this.
 */
export async function readConfig(env: Readonly<Record<string, string | undefined>>): Promise<Config> {
  const named = env.EBB_CONFIG ?? "";
  if (named !== "" && !path.isAbsolute(named)) {
    throw new StatusError(StatusCode.invalidArgument, `EBB_CONFIG must be an absolute path, not ${named}`);
  }
  const file = named === "" ? DEFAULT_CONFIG_FILE : named;
  const text = readTextFile(file, MAX_CONFIG_BYTES);
  if (text !== undefined) return (await import("./parse.ts")).parseConfig(text, file);
  if (named === "") return defaultConfig;
  throw new StatusError(StatusCode.notFound, `${file}: no such file, and EBB_CONFIG names it`);
}

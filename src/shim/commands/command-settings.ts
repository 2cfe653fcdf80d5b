/** What each command of the program makes of the host's settings, above all of settings with a mistake. */
import fs from "node:fs";
import { StatusError } from "../../base/status.ts";
import type { Flags } from "../flags.ts";
import { defaultSettings, fileSettings, overrule, readSettings, type Settings } from "../settings.ts";

/**
 * For `start`, which answers the daemon: a mistake is the command's error, and a line in the log of the bundle
 * (the working directory), where the daemon's own log has it too.
 */
export async function settingsForStart({ namespace, id }: Flags): Promise<Settings> {
  try {
    return await readSettings(process.env);
  } catch (err) {
    const { openLog } = await import("../log.ts");
    const { message } = StatusError.from(err);
    const { logger } = openLog("log", "info", { namespace, shim: id });
    logger.error("the settings cannot be read", { err: message });
    throw err;
  }
}

/**
 * For `delete`, which has to clean up whatever the settings are: a mistake is told on stderr, and what it is in
 * (the file, or the environment) changes nothing of the defaults.
 */
export async function settingsForDelete(): Promise<Settings> {
  let settings = defaultSettings;
  for (const read of [() => fileSettings(process.env), () => overrule(settings, process.env)]) {
    try {
      settings = await read();
    } catch (err) {
      fs.writeSync(2, `${StatusError.from(err).message}; the defaults are used\n`);
    }
  }
  return settings;
}

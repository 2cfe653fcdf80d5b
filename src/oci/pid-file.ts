import { readTextFile } from "../base/files.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { bundlePaths } from "./bundle-paths.ts";

/** A pid and a line's end, and more than anybody would write. */
const MAX_FILE_BYTES = 4 << 10;
/** The largest pid that the kernel gives (PID_MAX_LIMIT, proc_sys_kernel(5)). */
export const MAX_PID = 2 ** 22;

/** The pid in a file that the runtime wrote; undefined where there is none, `internal` where it is no pid. */
export function readPidFile(file: string): number | undefined {
  const text = readTextFile(file, MAX_FILE_BYTES)?.trim();
  if (text === undefined) return undefined;
  const pid = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : Number.NaN;
  if (pid <= MAX_PID) return pid;
  throw new StatusError(StatusCode.internal, `${file}: ${JSON.stringify(text.slice(0, 40))} is not a pid`);
}

/** The pid of a bundle's init, from init.pid; errors as of {@link readPidFile}. */
export function readInitPid(bundle: string): number | undefined {
  return readPidFile(bundlePaths(bundle).initPid);
}

import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";
import { StatusCode, StatusError } from "../base/status.ts";

const RUNTIME_NAME = /^[\w-]+(?:\.[\w-]+)*\.([\w-]+)\.(v\d+)$/;

/**
 * The absolute path of the shim that a runtime name stands for, by containerd's rule: a path (anything with a
 * slash) is taken as it is, `io.containerd.NAME.vN` becomes `containerd-shim-NAME-vN`, and that, like any plain
 * name, is looked up in PATH. Throws `notFound` naming what was looked for, and where.
 */
export function resolveShimBinary(runtime: string, env: NodeJS.ProcessEnv = process.env): string {
  if (runtime.includes("/")) return checkExecutable(path.resolve(runtime), runtime);
  const program = programName(runtime);
  const searchPath = env.PATH ?? "";
  for (const dir of searchPath.split(":")) {
    const file = path.resolve(dir, program);
    if (dir !== "" && isExecutable(file)) return file;
  }
  const named = program === runtime ? program : `${program} (for runtime ${runtime})`;
  throw new StatusError(StatusCode.notFound, `shim ${named} is not in PATH (${searchPath})`);
}

/** The program that a runtime name stands for: `io.containerd.runc.v2` → `containerd-shim-runc-v2`. */
export function programName(runtime: string): string {
  const match = RUNTIME_NAME.exec(runtime);
  if (match !== null) return `containerd-shim-${match[1]}-${match[2]}`;
  if (/^[\w.-]+$/.test(runtime)) return runtime;
  const forms = "a path, io.containerd.NAME.vN or the name of a program";
  throw new StatusError(StatusCode.invalidArgument, `runtime ${JSON.stringify(runtime)} is not ${forms}`);
}

function checkExecutable(file: string, named: string): string {
  if (isExecutable(file)) return file;
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) throw new StatusError(StatusCode.notFound, `shim ${named} does not exist`);
  const problem = stats.isFile() ? "may not be executed" : "is not a file";
  throw new StatusError(StatusCode.permissionDenied, `shim ${named} ${problem}`);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

import { StatusCode, StatusError } from "../base/status.ts";
import type { ProcessStdio, StdioHost, StdioOwner, StdioPaths } from "./stdio.ts";
import { FifoStdio } from "./stdio-fifo.ts";

/** Opens what the paths name. What cannot be opened is an error that names stream and value; nothing stays open. */
export async function openStdio(
  _host: StdioHost,
  paths: StdioPaths,
  _owner: StdioOwner,
): Promise<ProcessStdio> {
  if (paths.terminal) throw new StatusError(StatusCode.unimplemented, "terminals are not supported yet");
  return FifoStdio.open(paths);
}

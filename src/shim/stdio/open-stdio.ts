import { PipedStdio } from "./piped-stdio.ts";
import type { ProcessStdio, StdioHost, StdioOwner, StdioPaths } from "./stdio.ts";
import { TerminalStdio } from "./terminal-stdio.ts";

/** Opens what the paths name. What cannot be opened is an error that names stream and value; nothing stays open. */
export function openStdio(host: StdioHost, paths: StdioPaths, owner: StdioOwner): Promise<ProcessStdio> {
  return paths.terminal ? TerminalStdio.open(host, paths, owner) : PipedStdio.open(host, paths, owner);
}

import { StatusCode, StatusError } from "../../base/status.ts";
import { isOtherThanFifo, openInputFifo } from "../../linux/fifo.ts";
import type { Input } from "./input.ts";
import { isRelayed } from "./is-relayed.ts";
import { ownEnds } from "./own-ends.ts";
import type { StdioHost, StdioOwner, StdioPaths } from "./stdio.ts";
import { parseStdioUri } from "./stdio-uri.ts";

/**
 * Opens what a process's input comes from, where there is any: a fifo, as a rule, or a file or device that is there. An
 * error names stream and value, and leaves nothing open.
 */
export async function openInput(
  host: StdioHost,
  { stdin, terminal }: StdioPaths,
  owner: StdioOwner,
): Promise<Input | undefined> {
  if (stdin === "") return undefined;
  const { scheme, path } = parseStdioUri("stdin", stdin);
  if (scheme !== "fifo") throw new StatusError(StatusCode.invalidArgument, `stdin ${stdin}: not a fifo`);
  try {
    if (isOtherThanFifo(path)) {
      const { openFileInput, openTyped } = await import("./file-input.ts");
      return await (terminal ? openTyped(host, path) : openFileInput(host, path, owner));
    }
    if (terminal || !isRelayed(host.settings)) return await openFifo(path, owner);
    const { openRelayedInput } = await import("./relayed-input.ts");
    return await openRelayedInput(host, path, owner);
  } catch (thrown) {
    const { code, message } = StatusError.from(thrown);
    throw new StatusError(code, `stdin ${stdin}: ${message}`, { cause: thrown });
  }
}

async function openFifo(path: string, owner: StdioOwner): Promise<Input> {
  const ends = openInputFifo(path);
  const end = await ownEnds(ends, owner);
  return { childFd: ends.child, end, close: end };
}

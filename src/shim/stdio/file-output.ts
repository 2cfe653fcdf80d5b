import fs from "node:fs";
import path from "node:path";
import { within } from "../../base/deadline.ts";
import { errnoOf } from "../../base/files.ts";
import { fsError } from "../../linux/errno.ts";
import { openFile } from "./open-file.ts";
import type { Output, OutputStream } from "./output.ts";
import { relayOutput } from "./relayed-output.ts";
import type { StdioHost, StdioOwner } from "./stdio.ts";
import type { StdioUri } from "./stdio-uri.ts";

const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = fs.constants;
/** As Go's shim makes them. */
const DIRECTORY_MODE = 0o755;

/**
 * Opens a file that a process's output is appended to. One that is named as such (`file://`) is made where it is
 * missing, directories included. The process has a pipe: with the file itself as its stderr it could empty it
 * (`> /dev/stderr` opens it anew), and the runtime would give the file to the container's user. Errors as of
 * {@link openFile}.
 */
export async function openFileOutput(
  host: StdioHost,
  uri: StdioUri,
  streams: readonly OutputStream[],
  owner: StdioOwner,
): Promise<Output> {
  const fd = await openToAppend(host, uri);
  // Off the main thread, too: some file systems write out what they have.
  const closeFd = (open: number) => fs.close(open, () => {});
  return relayOutput(host, { path: uri.path, fd, closeFd }, streams, owner);
}

/** Opens such a file for a terminal's output, which the shim appends by itself. */
export async function openTerminalFile(host: StdioHost, uri: StdioUri): Promise<Output> {
  return {
    childFds: { stdout: await openToAppend(host, uri) },
    finished: async () => {},
    close: async () => {},
  };
}

async function openToAppend({ settings }: StdioHost, { scheme, path: file }: StdioUri): Promise<number> {
  // Non-blocking, as the open of a fifo without a reader would not return; of no effect on a file.
  const flags = O_WRONLY | O_APPEND | O_NONBLOCK;
  if (scheme !== "file") return await openFile(file, flags, settings.stdioOpenMs);
  const dir = path.dirname(file);
  await within(makeDirectory(dir), settings.stdioOpenMs, `making ${dir}`);
  return await openFile(file, flags | O_CREAT, settings.stdioOpenMs);
}

async function makeDirectory(dir: string): Promise<void> {
  try {
    await fs.promises.mkdir(dir, { recursive: true, mode: DIRECTORY_MODE });
  } catch (err) {
    // Where it is no directory, the opening says so.
    if (errnoOf(err) !== "EEXIST") throw fsError(`make ${dir}`, err);
  }
}

import fs from "node:fs";
import { StatusCode, StatusError } from "../../base/status.ts";
import type { Input } from "./input.ts";
import { openFile } from "./open-file.ts";
import { relayInput } from "./relayed-input.ts";
import type { StdioHost, StdioOwner } from "./stdio.ts";

const { O_RDONLY } = fs.constants;

/**
 * Opens a file that a process's input comes from. The process has a pipe: with the file itself it could empty it
 * (`> /dev/stdin` opens it anew). A device, such as `/dev/null`, it has itself.
 */
export async function openFileInput(host: StdioHost, path: string, owner: StdioOwner): Promise<Input> {
  const fd = await openFile(path, O_RDONLY, host.settings.stdioOpenMs);
  return fs.fstatSync(fd).isFile() ? relayInput(host, { fd }, owner) : plain(fd);
}

/** Opens such a file for a terminal, to which the shim types it; a device is `invalidArgument`. */
export async function openTyped(host: StdioHost, path: string): Promise<Input> {
  const fd = await openFile(path, O_RDONLY, host.settings.stdioOpenMs);
  if (fs.fstatSync(fd).isFile()) return plain(fd);
  fs.closeSync(fd);
  throw new StatusError(StatusCode.invalidArgument, `${path} is neither a fifo nor a file`);
}

function plain(childFd: number): Input {
  return { childFd, end: () => {}, close: () => {} };
}

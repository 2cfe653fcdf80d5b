import fs from "node:fs";
import { StatusCode, StatusError } from "../../base/status.ts";
import { openInputFifo } from "../../linux/fifo.ts";
import { own } from "../task/own.ts";
import type { StdioOwner } from "./stdio.ts";
import { parseStdioUri } from "./stdio-uri.ts";

/** A process's input, opened. */
export interface Input {
  /** The end to read from: a descriptor that blocks, and that whoever opened the input closes. */
  readonly childFd: number;
  /** Lets the reader see the end once the daemon's writers are gone as well; repeatable. */
  close(): void;
}

/**
 * Opens what a process's input comes from, where there is any: always a fifo. An error names stream and value,
 * and leaves nothing open.
 */
export async function openInput(value: string, owner: StdioOwner): Promise<Input | undefined> {
  if (value === "") return undefined;
  const { scheme, path } = parseStdioUri("stdin", value);
  if (scheme !== "fifo") throw new StatusError(StatusCode.invalidArgument, `stdin ${value}: not a fifo`);
  try {
    return await openFifo(path, owner);
  } catch (thrown) {
    const { code, message } = StatusError.from(thrown);
    throw new StatusError(code, `stdin ${value}: ${message}`, { cause: thrown });
  }
}

async function openFifo(path: string, owner: StdioOwner): Promise<Input> {
  const { keep, child } = openInputFifo(path);
  let kept: number | undefined = keep;
  const close = () => {
    if (kept !== undefined) fs.closeSync(kept);
    kept = undefined;
  };
  try {
    await own([child], owner);
  } catch (err) {
    fs.closeSync(child);
    close();
    throw err;
  }
  return { childFd: child, close };
}

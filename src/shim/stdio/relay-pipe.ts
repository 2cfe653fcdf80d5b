import fs from "node:fs";
import type { Pipe } from "../../linux/stream-calls.ts";
import { own } from "../task/own.ts";
import type { StdioHost, StdioOwner } from "./stdio.ts";

/** What a relay has on its own side: descriptors that are the relay's from now on. */
export interface RelayEnd {
  readonly fd: number;
  /** Kept open beside it. */
  readonly keep?: number;
}

/**
 * Makes a relay, with a pipe of which the process has one end. Where that fails nothing stays open, what the relay
 * has on its own side neither.
 */
export async function withRelayPipe<Relay>(
  host: StdioHost,
  { fd, keep }: RelayEnd,
  processEnd: keyof Pipe,
  owner: StdioOwner,
  make: (pipe: Pipe) => Relay,
): Promise<Relay> {
  const calls = host.libc.streams;
  const opened = [fd, ...(keep === undefined ? [] : [keep])];
  try {
    const pipe = calls.pipe();
    opened.push(pipe.read, pipe.write);
    await own([pipe[processEnd]], owner);
    for (const ours of [fd, processEnd === "read" ? pipe.write : pipe.read]) calls.setNonBlocking(ours);
    return make(pipe);
  } catch (err) {
    for (const each of opened) fs.closeSync(each);
    throw err;
  }
}

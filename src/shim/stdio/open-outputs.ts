import { StatusError } from "../../base/status.ts";
import { isOtherThanFifo } from "../../linux/fifo.ts";
import { INIT } from "../task/exit-order.ts";
import { openFifoOutput } from "./fifo-output.ts";
import { isRelayed } from "./is-relayed.ts";
import { LoggerProcess } from "./logger-process.ts";
import { closeChildFds, type Output, type OutputStream } from "./output.ts";
import { openRelayedFifo } from "./relayed-output.ts";
import type { StdioHost, StdioOwner, StdioPaths } from "./stdio.ts";
import { parseStdioUri, type StdioUri } from "./stdio-uri.ts";

/** One thing to open, and the streams that go there. */
interface OutputPlan {
  readonly uri: StdioUri;
  readonly streams: readonly OutputStream[];
  /** The first of the streams and its value, for errors. */
  readonly name: string;
  readonly terminal: boolean;
}

/**
 * Opens what a process's output goes to; a path is a fifo's, as a rule, or of a file that is there. Outputs of one name
 * are one, so that what is written stays in its order. A stdout that is a file or a logger takes stderr along, unless
 * that has a place of its own; a terminal has one output only. What cannot be opened is an error that names stream and
 * value, and leaves nothing open.
 */
export async function openOutputs(
  host: StdioHost,
  paths: StdioPaths,
  owner: StdioOwner,
): Promise<readonly Output[]> {
  const plans = planOutputs(paths);
  const outputs: Output[] = [];
  try {
    for (const plan of plans) outputs.push(await openOutput(host, plan, owner));
    return outputs;
  } catch (err) {
    closeChildFds(outputs);
    await Promise.all(outputs.map((output) => output.close()));
    throw err;
  }
}

function planOutputs({ stdout, stderr, terminal }: StdioPaths): OutputPlan[] {
  const out = planOutput("stdout", stdout, terminal);
  const err = terminal ? undefined : planOutput("stderr", stderr, terminal);
  if (out === undefined) return err === undefined ? [] : [err];
  const takesStderr = stderr === stdout || (stderr === "" && out.uri.scheme !== "fifo");
  if (takesStderr && !terminal) return [{ ...out, streams: ["stdout", "stderr"] }];
  return err === undefined ? [out] : [out, err];
}

function planOutput(stream: OutputStream, value: string, terminal: boolean): OutputPlan | undefined {
  if (value === "") return undefined;
  return { uri: parseStdioUri(stream, value), streams: [stream], name: `${stream} ${value}`, terminal };
}

async function openOutput(
  host: StdioHost,
  { uri, streams, name, terminal }: OutputPlan,
  owner: StdioOwner,
): Promise<Output> {
  try {
    if (uri.scheme === "file" || (uri.scheme === "fifo" && isOtherThanFifo(uri.path))) {
      const { openFileOutput, openTerminalFile } = await import("./file-output.ts");
      return await (terminal ? openTerminalFile(host, uri) : openFileOutput(host, uri, streams, owner));
    }
    if (uri.scheme !== "fifo") return await LoggerProcess.start(host, { uri, streams }, owner);
    const isDirect = terminal || (owner.execId === INIT && !isRelayed(host.settings));
    if (isDirect) return await openFifoOutput(uri.path, streams, owner);
    return await openRelayedFifo(host, uri.path, streams, owner);
  } catch (thrown) {
    const { code, message } = StatusError.from(thrown);
    throw new StatusError(code, `${name}: ${message}`, { cause: thrown });
  }
}

import { StatusCode, StatusError } from "../base/status.ts";
import { containerd } from "../proto/index.ts";

/** What a shim's `start` answers: where it listens and what it speaks there. */
export interface StartAnswer {
  /** The version of the task API: 2 or 3. */
  readonly version: 2 | 3;
  /** Such as `unix:///run/containerd/s/…`. */
  readonly address: string;
  readonly protocol: "ttrpc";
}

/** An answer as it came, before it was judged. */
interface RawAnswer {
  readonly version: number;
  readonly address: string;
  readonly protocol: string;
}

const ADDRESS = /^(?:unix:\/\/|unix:@|\/|@)[^\s\0]+$/;

/**
 * Reads what `start` wrote to stdout and stderr, in any of the forms that daemons have asked for: a protobuf
 * BootstrapResult (2.3 and later), JSON (1.7 and later), or the bare address, which means version 2 and ttrpc.
 * Throws `invalidArgument` quoting what cannot be understood, and `unimplemented` for a version or a protocol
 * that this client does not speak. `who` begins the message of an error.
 */
export function parseStartAnswer(output: Uint8Array, who = "the shim"): StartAnswer {
  const text = Buffer.from(output).toString("utf8").trim();
  const raw = fromProtobuf(output) ?? fromJson(text) ?? { version: 2, address: text, protocol: "ttrpc" };
  if (!ADDRESS.test(raw.address)) {
    const what = text === "" ? "nothing" : JSON.stringify(text.slice(0, 500));
    const message = `${who}: start answered ${what}, which holds no socket address`;
    throw new StatusError(StatusCode.invalidArgument, message);
  }
  if (raw.protocol !== "ttrpc") throw unsupported(who, `protocol ${JSON.stringify(raw.protocol)}`);
  if (raw.version !== 2 && raw.version !== 3)
    throw unsupported(who, `version ${raw.version} of the task api`);
  return { version: raw.version, address: raw.address, protocol: raw.protocol };
}

/** A message in which anything but the three plain fields is set by chance would not decode to an address. */
function fromProtobuf(output: Uint8Array): RawAnswer | undefined {
  try {
    const result = containerd.runtime.bootstrap.v1.BootstrapResult.decode(output);
    if (!ADDRESS.test(result.address)) return undefined;
    return { version: result.version, address: result.address, protocol: result.protocol };
  } catch {
    return undefined;
  }
}

function fromJson(text: string): RawAnswer | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const { version, address, protocol } = JSON.parse(text) as Record<string, unknown>;
    if (typeof version !== "number" || version < 2) return undefined;
    return { version, address: String(address ?? ""), protocol: String(protocol ?? "") };
  } catch {
    return undefined;
  }
}

function unsupported(who: string, what: string): StatusError {
  const message = `${who}: start answered ${what}, which this client does not speak`;
  return new StatusError(StatusCode.unimplemented, message);
}

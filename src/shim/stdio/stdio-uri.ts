import { StatusCode, StatusError } from "../../base/status.ts";

const SCHEMES = ["fifo", "file", "binary", "binary-v2"] as const;

/** What kind of thing a stream goes to. */
export type StdioScheme = (typeof SCHEMES)[number];

/** Where a stream goes, taken apart. */
export interface StdioUri {
  readonly scheme: StdioScheme;
  /** Absolute. */
  readonly path: string;
  /** The parameters in their order, each once, with its first value. */
  readonly query: ReadonlyMap<string, string>;
}

/**
 * Takes a stream's value apart: a path, as a rule a fifo's, or a URI. One that is neither is `invalidArgument`,
 * naming stream and value.
 */
export function parseStdioUri(stream: string, value: string): StdioUri {
  const refuse = (why: string) => new StatusError(StatusCode.invalidArgument, `${stream} ${value}: ${why}`);
  if (value.includes("\0")) throw refuse("a path has no zero byte");
  const [, name, rest = value] = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(.*)$/s.exec(value) ?? [];
  const scheme = SCHEMES.find((known) => known === (name ?? "fifo").toLowerCase());
  if (scheme === undefined) throw refuse(`not one of ${SCHEMES.map((known) => `${known}://`).join(", ")}`);
  if (!rest.startsWith("/")) throw refuse("not an absolute path");
  if (scheme === "fifo") return { scheme, path: rest, query: new Map() };
  if (rest.includes("%00")) throw refuse("a path has no zero byte");
  const [, path = "", query = ""] = /^([^?#]*)(?:\?([^#]*))?/.exec(rest) ?? [];
  try {
    return { scheme, path: decodeURIComponent(path), query: firstValues(query) };
  } catch {
    throw refuse("a % is not followed by two hexadecimal digits of UTF-8");
  }
}

function firstValues(query: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) if (!values.has(name)) values.set(name, value);
  return values;
}

import { broken } from "./errors.ts";

/** The records of an extended header (pax), byte for byte. A later record for a keyword takes an earlier one's place. */
export function decodePax(bytes: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const { keyword, value, length } = decodeRecord(bytes, at);
    records.set(keyword, value);
    at += length;
  }
  return records;
}

/** `LENGTH KEYWORD=VALUE\n`, where the length counts all of it. */
function decodeRecord(bytes: Buffer, at: number): { keyword: string; value: string; length: number } {
  const digits = /^\d{1,9}(?= )/.exec(bytes.toString("latin1", at, at + 10))?.[0] ?? "";
  const length = Number(digits);
  const record = bytes.toString("latin1", at + digits.length + 1, at + length);
  const equals = record.indexOf("=");
  if (digits === "" || at + length > bytes.length || equals < 1 || !record.endsWith("\n")) {
    throw broken("a record of its extended header is malformed");
  }
  return { keyword: record.slice(0, equals), value: record.slice(equals + 1, -1), length };
}

/** The bytes of an extended header with these records. */
export function encodePax(records: Iterable<readonly [string, string]>): Buffer {
  const lines = [...records].map(([keyword, value]) => encodeRecord(` ${keyword}=${value}\n`));
  return Buffer.from(lines.join(""), "latin1");
}

function encodeRecord(rest: string): string {
  let length = rest.length;
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length;
  return `${length}${rest}`;
}

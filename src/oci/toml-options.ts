import { parse, TomlError } from "smol-toml";
import { StatusCode, StatusError } from "../base/status.ts";
import { defaultRuncOptions, type RuncOptions } from "./options.ts";

/** The keys as containerd's configuration has them, which are the names of Go's fields. */
const KEYS: Readonly<Record<keyof RuncOptions, string>> = {
  noPivotRoot: "NoPivotRoot",
  noNewKeyring: "NoNewKeyring",
  shimCgroup: "ShimCgroup",
  ioUid: "IoUid",
  ioGid: "IoGid",
  binaryName: "BinaryName",
  root: "Root",
  systemdCgroup: "SystemdCgroup",
  criuImagePath: "CriuImagePath",
  criuWorkPath: "CriuWorkPath",
};

/** What a value of the type of a default has to be, in words. */
const EXPECTED = {
  boolean: "true or false",
  string: "a string",
  number: "a whole number from 0 to 4294967295",
};

/**
 * Options written as TOML. As in containerd's reader keys may be in capitals or not, and one that is not known is
 * passed over. What is wrong is `invalidArgument`, naming the place: `where`, and the line or the key.
 */
export function optionsFromToml(text: string, where: string): RuncOptions {
  const table = parseToml(text, where);
  const found = Object.entries(KEYS).flatMap(([name, key]) => {
    const option = name as keyof RuncOptions;
    const written = findKey(table, key);
    return written === undefined ? [] : [[option, check(option, table[written], `${where}: ${written}`)]];
  });
  return { ...defaultRuncOptions, ...Object.fromEntries(found) };
}

function parseToml(text: string, where: string): Readonly<Record<string, unknown>> {
  try {
    return parse(text);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const problem = cause.message.replace(/^Invalid TOML document: /, "").split("\n")[0];
    const message = `${where}: line ${cause.line}, column ${cause.column}: ${problem}`;
    throw new StatusError(StatusCode.invalidArgument, message, { cause });
  }
}

/** The key as it is written; one that is written exactly so comes first. */
function findKey(table: object, key: string): string | undefined {
  if (Object.hasOwn(table, key)) return key;
  return Object.keys(table).find((written) => written.toLowerCase() === key.toLowerCase());
}

function check(option: keyof RuncOptions, value: unknown, where: string): unknown {
  const type = typeof defaultRuncOptions[option] as keyof typeof EXPECTED;
  const isId = Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 0xffff_ffff;
  if (typeof value === type && (type !== "number" || isId)) return value;
  const message = `${where} must be ${EXPECTED[type]}, not ${JSON.stringify(value)}`;
  throw new StatusError(StatusCode.invalidArgument, message);
}

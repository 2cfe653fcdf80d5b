import { Validator } from "@cfworker/json-schema";
import type { FromSchema, JSONSchema } from "json-schema-to-ts";
import { StatusCode, StatusError } from "./status.ts";

/** A JSON schema written as an object constant, and its validator, which is made at the first use. */
export interface JsonReader<T> {
  /**
   * The text as a checked value. `where` (a path, or a command) begins the message of the error, which names
   * the place within as a JSON pointer: `<where>: /process/args must be an array`.
   *
   * As in Go's decoder, a `null` counts as a field that is not there, and fields that the schema does not
   * name pass unchecked.
   */
  parse(text: string, where: string): T;
}

/** A reader for one schema; `code` is what its errors carry. */
export function jsonReader<const S extends JSONSchema>(
  schema: S,
  code: StatusCode = StatusCode.invalidArgument,
): JsonReader<FromSchema<S>> {
  let validator: Validator | undefined;
  return {
    parse(text, where) {
      const value = decode(text, where, code);
      dropNulls(schema, value);
      validator ??= new Validator(schema as object, "2020-12");
      const problem = findProblem(validator, schema, value);
      if (problem !== undefined) throw new StatusError(code, `${where}: ${problem}`);
      return value as FromSchema<S>;
    },
  };
}

function decode(text: string, where: string, code: StatusCode): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const problem = text.trim() === "" ? "is empty" : "is not JSON";
    throw new StatusError(code, `${where}: the document ${problem}`, { cause });
  }
}

/** Removes null fields where the schema has names for them; goes no deeper than the schema does. */
function dropNulls(schema: unknown, value: unknown): void {
  if (!isObject(schema) || !isObject(value)) return;
  if (Array.isArray(value)) {
    for (const item of value) dropNulls(schema.items, item);
    return;
  }
  const properties = isObject(schema.properties) ? schema.properties : {};
  for (const [name, field] of Object.entries(value)) {
    const fieldSchema = Object.hasOwn(properties, name) ? properties[name] : schema.additionalProperties;
    if (!isObject(fieldSchema)) continue;
    if (field === null) delete value[name];
    else dropNulls(fieldSchema, field);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function findProblem(validator: Validator, schema: unknown, value: unknown): string | undefined {
  try {
    const { valid, errors } = validator.validate(value);
    // The last error is the one nearest to the cause; those before it say that what holds it is wrong, too.
    return valid ? undefined : describe(errors.at(-1), schema, value);
  } catch (thrown) {
    // The validator writes names as URIs, which half a surrogate pair has no place in.
    if (thrown instanceof URIError) return "the document has a name that is not Unicode text";
    throw thrown;
  }
}

/** What the validator reports; both locations are URI fragments with JSON pointers (RFC 6901). */
interface Finding {
  readonly keyword: string;
  readonly keywordLocation: string;
  readonly instanceLocation: string;
  readonly error: string;
}

function describe(finding: Finding | undefined, schema: unknown, value: unknown): string {
  if (finding === undefined) return "the document does not match its schema";
  const place = segments(finding.instanceLocation).map((segment) => `/${escapeSegment(segment)}`);
  const subject = place.length === 0 ? "the document" : place.join("");
  return `${subject} ${complaint(finding, at(schema, finding.keywordLocation), at(value, finding.instanceLocation))}`;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  array: "an array",
  boolean: "true or false",
  integer: "a whole number",
  number: "a number",
  object: "an object",
  string: "a string",
};

function complaint(finding: Finding, rule: unknown, instance: unknown): string {
  switch (finding.keyword) {
    case "type":
      return `must be ${[rule]
        .flat()
        .map((name) => TYPE_NAMES[String(name)] ?? String(name))
        .join(" or ")}`;
    case "required":
      return `must have ${missingNames(rule, instance).join(", ")}`;
    case "enum":
      return `must be one of ${[rule].flat().join(", ")}`;
    case "minimum":
      return `must be at least ${String(rule)}`;
    case "maximum":
      return `must be at most ${String(rule)}`;
    case "minLength":
      return "must not be empty";
    default:
      return `is wrong: ${finding.error}`;
  }
}

function missingNames(rule: unknown, instance: unknown): string[] {
  const required = Array.isArray(rule) ? rule.map(String) : [];
  return required.filter((name) => !isObject(instance) || !Object.hasOwn(instance, name));
}

function segments(fragment: string): string[] {
  const pointer = decodeURIComponent(fragment.replace(/^#/, ""));
  const parts = pointer.split("/").slice(1);
  return parts.map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function escapeSegment(segment: string): string {
  return segment.replaceAll("~", "~0").replaceAll("/", "~1");
}

function at(root: unknown, fragment: string): unknown {
  let value = root;
  for (const segment of segments(fragment)) {
    if (!isObject(value) || !Object.hasOwn(value, segment)) return undefined;
    value = value[segment];
  }
  return value;
}

import { Validator } from "@cfworker/json-schema";
import type { FromSchema, JSONSchema } from "json-schema-to-ts";
import { decodeJson } from "./decode-json.ts";
import { describeFinding, isObject } from "./json-finding.ts";
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
  /**
   * A decoded value, checked as what a person wrote, who wants to hear of every mistake at once: the error
   * names all of them, one after the other, and a `null` is as wrong as any other value of a wrong type.
   */
  check(value: unknown, where: string): T;
}

/** A reader for one schema; `code` is what its errors carry. */
export function jsonReader<const S extends JSONSchema>(
  schema: S,
  code: StatusCode = StatusCode.invalidArgument,
): JsonReader<FromSchema<S>> {
  const first = findings(schema, true);
  const all = findings(schema, false);
  const checked = (value: unknown, where: string, problems: readonly string[]) => {
    if (problems.length > 0) throw new StatusError(code, `${where}: ${problems.join("; ")}`);
    return value as FromSchema<S>;
  };
  return {
    parse(text, where) {
      const value = decodeJson(text, where, code);
      dropNulls(schema, value);
      // The last finding is the one nearest to the cause; those before it say that what holds it is wrong, too.
      return checked(value, where, first(value).slice(-1));
    },
    check: (value, where) => checked(value, where, [...new Set(all(value))]),
  };
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

/** Findings that only say that something inside is wrong, which has a finding of its own. */
const OUTER = new Set(["properties", "additionalProperties", "items"]);

/** What is wrong with a value, in words; the validator is made at the first call. */
function findings(schema: JSONSchema, onlyFirst: boolean): (value: unknown) => string[] {
  let validator: Validator | undefined;
  return (value) => {
    validator ??= new Validator(schema as object, "2020-12", onlyFirst);
    try {
      const { valid, errors } = validator.validate(value);
      const inner = errors.filter(({ keyword }) => !OUTER.has(keyword));
      if (!valid && inner.length === 0) return ["the document does not match its schema"];
      return inner.map((finding) => describeFinding(finding, schema, value));
    } catch (thrown) {
      // The validator writes names as URIs, which half a surrogate pair has no place in.
      if (thrown instanceof URIError) return ["the document has a name that is not Unicode text"];
      throw thrown;
    }
  };
}

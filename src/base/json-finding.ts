/** What a validator of JSON schemas found, in words for who wrote the document. */

/** What the validator reports; both locations are URI fragments with JSON pointers (RFC 6901). */
export interface Finding {
  readonly keyword: string;
  readonly keywordLocation: string;
  readonly instanceLocation: string;
  readonly error: string;
}

/** One finding in words: the place in the value as a JSON pointer, and what the schema wants there. */
export function describeFinding(finding: Finding, schema: unknown, value: unknown): string {
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
    case "false":
      return "is not known";
    case "const":
      return `must be ${JSON.stringify(rule)}`;
    case "pattern":
      return `must match ${String(rule)}`;
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

/** Whether a value has names or indexes to look at. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

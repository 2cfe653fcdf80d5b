/** Ages, sizes, digests and names as people read them. */

/** The units of an age, the largest first, in seconds. */
const AGE_UNITS: readonly [name: string, seconds: number][] = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
];

/** The units of a size, the smallest first, each 1024 of the one before. */
const SIZE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** As many digits of a digest as tell apart what is on one host. */
const SHORT_DIGITS = 12;

/** Control characters, and those that change the direction of the text behind them. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** An age as people say it, in at most its two largest units: `4 s`, `2 min 5 s`, `3 d 1 h`. */
export function ageText(ms: number): string {
  let rest = Math.max(0, Math.floor(ms / 1000));
  const parts = AGE_UNITS.map(([name, unit]) => {
    const count = Math.floor(rest / unit);
    rest %= unit;
    return { name, count };
  });
  const first = parts.findIndex(({ count, name }) => count > 0 || name === "s");
  const [largest, next] = parts.slice(first, first + 2);
  const shown = [largest, next?.count === 0 ? undefined : next].filter((part) => part !== undefined);
  return shown.map(({ count, name }) => `${count} ${name}`).join(" ");
}

/** How long ago a time (ISO 8601) was, as an age; `-` for what is no time. */
export function sinceText(time: string, now = Date.now()): string {
  const then = Date.parse(time);
  return Number.isNaN(then) ? "-" : ageText(now - then);
}

/** A size as people say it, with at most three digits that count: `0 B`, `1.5 KiB`, `24 MiB`, `341 MiB`. */
export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // What would be rounded to 1024 of a unit is one of the next.
  while (Number(value.toPrecision(value < 1000 ? 3 : 4)) >= 1024 && unit < SIZE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const rounded = unit === 0 || value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  return `${rounded >= 10 ? Math.round(rounded) : Number(rounded.toFixed(1))} ${SIZE_UNITS[unit]}`;
}

/** A digest or id without the name of its algorithm, cut to what tells it apart: `sha256:0123…` → `0123456789ab`. */
export function shortId(id: string): string {
  return id.slice(id.indexOf(":") + 1).slice(0, SHORT_DIGITS);
}

/** A text that does nothing to a terminal and stays on one line: what is not to be seen is written as `\x1b`, `\u202e`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** A value as one JSON document in lines that do nothing to a terminal: what is not to be seen is written as `\u009b`. */
export function jsonText(value: unknown): string {
  // Between the lines is the only newline that JSON does not escape by itself.
  return escaped(JSON.stringify(value, undefined, 2));
}

/** The same on one line. */
export function jsonLine(value: unknown): string {
  return escaped(JSON.stringify(value));
}

function escaped(json: string): string {
  return json.replace(UNPRINTABLE, (character) =>
    character === "\n" ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

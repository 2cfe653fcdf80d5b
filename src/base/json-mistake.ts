/** A place in a text as editors count: both from 1. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

/** White space, then a token of JSON (RFC 8259): punctuation, a string, a number or a word. */
const TOKEN =
  /([ \t\n\r]*)([[\]{}:,]|"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|)/y;

/** What may come next: a value or a name, or none at all in `[` and `{` that were only just opened. */
type Wanted = "value" | "first value" | "name" | "first name" | "colon" | "rest";

/**
 * Where a text stops being JSON: its first token that has no place there, or its end where it ends too early. Undefined
 * where it is JSON. JSON.parse tells it in another way on each runtime, or not at all.
 */
export function findJsonMistake(text: string): TextPlace | undefined {
  const grammar = new Grammar();
  TOKEN.lastIndex = 0;
  for (;;) {
    // The last alternative is empty, so there is always a match.
    const [, space = "", token = ""] = TOKEN.exec(text) ?? [];
    const start = TOKEN.lastIndex - token.length;
    if (token !== "" && grammar.take(token)) continue;
    const isWhole = start === text.length && grammar.isWhole;
    return isWhole ? undefined : placeOf(text, start === text.length ? start - space.length : start);
  }
}

function placeOf(text: string, offset: number): TextPlace {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** Which token may follow which. */
class Grammar {
  /** What closes each bracket that is open, the innermost last. */
  readonly #closers: string[] = [];
  #wanted: Wanted = "value";

  /** Whether the document may end here. */
  get isWhole(): boolean {
    return this.#wanted === "rest" && this.#closers.length === 0;
  }

  /** Takes the next token; false for one that may not come here. */
  take(token: string): boolean {
    const next = this.#next(token);
    if (next !== undefined) this.#wanted = next;
    return next !== undefined;
  }

  #next(token: string): Wanted | undefined {
    const wanted = this.#wanted;
    if (wanted === "colon") return token === ":" ? "value" : undefined;
    const mayClose = wanted === "rest" || wanted.startsWith("first");
    if (mayClose && token === this.#closers.at(-1)) return this.#close();
    if (wanted === "rest") return token === "," ? this.#goOn() : undefined;
    if (wanted.endsWith("name")) return token.startsWith('"') ? "colon" : undefined;
    if (token === "{") return this.#open("}", "first name");
    if (token === "[") return this.#open("]", "first value");
    return /^[}\],:]/.test(token) ? undefined : "rest";
  }

  #open(closer: string, wanted: Wanted): Wanted {
    this.#closers.push(closer);
    return wanted;
  }

  #close(): Wanted {
    this.#closers.pop();
    return "rest";
  }

  #goOn(): Wanted | undefined {
    const closer = this.#closers.at(-1);
    if (closer === undefined) return undefined;
    return closer === "}" ? "name" : "value";
  }
}

import type { ttrpc } from "../proto/index.ts";

/** Metadata as a caller may write it: a value or several for each key. */
export type MetadataInit = Metadata | Readonly<Record<string, string | readonly string[]>>;

/**
 * What travels with a request beside its message: for each key one or more values, in order. Keys do not differ
 * by case and are kept in lower case.
 */
export class Metadata implements Iterable<readonly [key: string, values: readonly string[]]> {
  // A map, not an object: keys come from the peer, and `__proto__` is one like any other.
  readonly #values = new Map<string, string[]>();

  constructor(init: MetadataInit = {}) {
    const entries = init instanceof Metadata ? [...init] : Object.entries(init);
    for (const [key, value] of entries) this.append(key, ...(typeof value === "string" ? [value] : value));
  }

  /** What a request carries. */
  static fromRequest(request: Pick<ttrpc.Request.$Properties, "metadata">): Metadata {
    const metadata = new Metadata();
    for (const { key, value } of request.metadata ?? []) metadata.append(key ?? "", value ?? "");
    return metadata;
  }

  /** The form a request carries: one pair for each value. */
  toRequest(): { readonly key: string; readonly value: string }[] {
    return [...this].flatMap(([key, values]) => values.map((value) => ({ key, value })));
  }

  /** The first value of a key. */
  get(key: string): string | undefined {
    return this.getAll(key)[0];
  }

  /** All values of a key, none where it is absent. */
  getAll(key: string): readonly string[] {
    return this.#values.get(key.toLowerCase()) ?? [];
  }

  /** Adds values to those the key has. */
  append(key: string, ...values: readonly string[]): void {
    if (values.length === 0) return;
    const name = key.toLowerCase();
    const present = this.#values.get(name);
    if (present === undefined) this.#values.set(name, [...values]);
    else for (const value of values) present.push(value);
  }

  [Symbol.iterator](): Iterator<readonly [key: string, values: readonly string[]]> {
    return this.#values.entries();
  }
}

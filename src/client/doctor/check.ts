import type { Host } from "./host.ts";

/** How it is: as it should be; there, but not all of it; not there; there, but of no use. */
export type CheckStatus = "ok" | "warning" | "missing" | "wrong";

/** What a look at the host found. */
export interface Finding {
  readonly status: CheckStatus;
  /** What is there, or what is wrong, in a few words. */
  readonly found: string;
  /** Another name, remedy or weight than the check's own, where that depends on what was found. */
  readonly name?: string;
  readonly remedy?: string;
  readonly needed?: boolean;
}

/** One thing that is looked at. */
export interface Check {
  readonly name: string;
  /** What it is for. */
  readonly meaning: string;
  /** What to do where it is not as it should be. */
  readonly remedy: string;
  /** Whether no container runs where it is missing. */
  readonly needed: boolean;
  /** Looks, and changes nothing. */
  readonly look: (host: Host) => Promise<Finding | readonly Finding[]>;
}

/** A finding that all is well. */
export function ok(found: string): Finding {
  return { status: "ok", found };
}

/** A finding that it is there, but not as it should be, or that it is not known. */
export function warning(found: string): Finding {
  return { status: "warning", found };
}

/** A finding that it is not there. */
export function missing(found: string): Finding {
  return { status: "missing", found };
}

/** A finding that it is there, but of no use as it is. */
export function wrong(found: string): Finding {
  return { status: "wrong", found };
}

/** A version as text, compared number by number: whether it is this one or a later one. */
export function isAtLeast(version: string, wanted: string): boolean {
  const [have, want] = [version, wanted].map((text) => text.split(/[^\d]+/).map(Number));
  for (const [index, number] of (want ?? []).entries()) {
    const own = have?.[index] ?? 0;
    if (own !== number) return own > number;
  }
  return true;
}

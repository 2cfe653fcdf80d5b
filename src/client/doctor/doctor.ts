import { within } from "../../base/deadline.ts";
import { StatusError } from "../../base/status.ts";
import { CGROUP_CHECKS } from "./cgroup-checks.ts";
import { type Check, type CheckStatus, type Finding, warning } from "./check.ts";
import { type Host, thisHost } from "./host.ts";
import { KERNEL_CHECKS } from "./kernel-checks.ts";
import { PLACE_CHECKS } from "./place-checks.ts";
import { PROGRAM_CHECKS } from "./program-checks.ts";
import { shimChecks } from "./shim-checks.ts";

/** What one look at this host came to. */
export interface Diagnosis {
  readonly name: string;
  readonly status: CheckStatus;
  /** Whether no container runs where it is missing or wrong. */
  readonly needed: boolean;
  /** What is there, or what is wrong. */
  readonly found: string;
  /** What it is for. */
  readonly meaning: string;
  /** What to do about it; null where nothing is to be done. */
  readonly remedy: string | null;
}

/** How to look. */
export interface DiagnoseOptions {
  /** ebb's own shim where it is not installed. */
  readonly builtShim?: string | undefined;
  /** How long one check may take, in milliseconds; 10 000 where it is missing. */
  readonly checkMs?: number;
  /** The machine; the one that this runs on where it is missing. */
  readonly host?: Host;
}

/** A machine that answers nothing in that time is not well. */
const CHECK_MS = 10_000;

/**
 * What of this host ebb can use, what is missing, and what to do about it. All checks run at once, none changes
 * anything, and one that fails or takes too long is a finding like any other.
 */
export async function diagnose(options: DiagnoseOptions = {}): Promise<Diagnosis[]> {
  const { builtShim, checkMs = CHECK_MS, host = thisHost(checkMs) } = options;
  const checks = [
    ...KERNEL_CHECKS,
    ...CGROUP_CHECKS,
    ...PLACE_CHECKS,
    ...PROGRAM_CHECKS,
    ...shimChecks(builtShim),
  ];
  return (await Promise.all(checks.map((check) => carryOut(check, host, checkMs)))).flat();
}

/** Whether containers can be run: nothing stops them. */
export function canRun(diagnoses: readonly Diagnosis[]): boolean {
  return !diagnoses.some(stops);
}

/** Whether this is what containers need and cannot have. */
export function stops({ needed, status }: Diagnosis): boolean {
  return needed && (status === "missing" || status === "wrong");
}

async function carryOut(check: Check, host: Host, checkMs: number): Promise<Diagnosis[]> {
  const answer = await look(check, host, checkMs);
  const findings: readonly Finding[] = "status" in answer ? [answer] : answer;
  return findings.map((finding) => {
    const { name, meaning, remedy, needed, status, found } = { ...check, ...finding };
    return { name, status, needed, found, meaning, remedy: status === "ok" ? null : remedy };
  });
}

async function look(check: Check, host: Host, checkMs: number): Promise<Finding | readonly Finding[]> {
  try {
    return await within(check.look(host), checkMs, "looking");
  } catch (error) {
    return warning(`not known: ${StatusError.from(error).message}`);
  }
}

import { spawnSync } from "node:child_process";

const LIMIT_MS = 20_000;

/** Why CRIU cannot checkpoint and restore processes here, by its own word; undefined where it can. */
export function whyNoCriu(): string | undefined {
  const { error, status, stderr } = spawnSync("criu", ["check"], { encoding: "utf8", timeout: LIMIT_MS });
  if (error !== undefined) return `criu check: ${error.message}`;
  if (status === 0) return undefined;
  return `criu check: exit status ${status}: ${stderr.trim().split("\n").at(-1) ?? ""}`;
}

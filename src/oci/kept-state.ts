import fs from "node:fs";
import path from "node:path";
import { readTextFile } from "../base/files.ts";

const STATE_FILE = "state.json";

/** The state of a container with a configuration as large as any. */
const MAX_STATE_BYTES = 64 << 20;

/**
 * What runc keeps of a container in `<root>/<id>/state.json`, and what its own commands go by
 * (libcontainer/container_linux.go: `State`; libcontainer/configs: `Config`). All of it is somebody else's: what is read
 * of it is looked at before it is used.
 */
export interface KeptState {
  readonly [name: string]: unknown;
  /** The configuration that `runc create` has made of the bundle's. */
  readonly config: object;
}

/** Reads it; undefined where there is none, or nothing such. */
export function readKeptState(stateDirectory: string): KeptState | undefined {
  try {
    const text = readTextFile(path.join(stateDirectory, STATE_FILE), MAX_STATE_BYTES) ?? "";
    const state = JSON.parse(text) as KeptState;
    return typeof state.config === "object" && state.config !== null ? state : undefined;
  } catch {
    return undefined;
  }
}

/** Whether runc was ended while it made the container: the directory is there long before the state in it. */
export function isAborted(stateDirectory: string): boolean {
  return fs.existsSync(stateDirectory) && !fs.existsSync(path.join(stateDirectory, STATE_FILE));
}

/** A field by its name in Go, which reads any case of it. */
export function fieldOf(holder: unknown, name: string): unknown {
  if (typeof holder !== "object" || holder === null) return undefined;
  const [, value] = Object.entries(holder).find(([key]) => key.toLowerCase() === name.toLowerCase()) ?? [];
  return value;
}

/** Whether there are hooks of a kind to run, or may be. */
export function mayHaveHooks({ config }: KeptState, kind: "poststart" | "poststop"): boolean {
  const hooks = fieldOf(fieldOf(config, "hooks"), kind) ?? [];
  return !Array.isArray(hooks) || hooks.length > 0;
}

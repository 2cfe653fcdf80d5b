import { realpathSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { resolveShimBinary, shimVersion } from "../src/client/index.ts";
import { shimsInPath } from "../src/client/shims-in-path.ts";

/** A shim to measure. */
export interface Shim {
  /** Where its executable really is. */
  readonly binary: string;
  /** Name and version, as tables have it. */
  readonly label: string;
  /** It is this project's. */
  readonly ours: boolean;
}

/** The program of a shim: of ours beside what the daemon runs, which is a page of shell. */
export function programOf(binary: string): string {
  return path.basename(binary) === OURS ? path.join(path.dirname(binary), "containerd-shim-ebb") : binary;
}

/** Where the build leaves our shim. */
export const BUILT = fileURLToPath(new URL("../dist/containerd-shim-ebb-v2", import.meta.url));

const OURS = "containerd-shim-ebb-v2";
/** What all others are compared with: containerd's own. */
const REFERENCE = "containerd-shim-runc-v2";

/** The shims to measure: the one that was built, those in PATH, and those asked for, each once. */
export async function findShims(asked: readonly string[], env: NodeJS.ProcessEnv): Promise<Shim[]> {
  const shims: Shim[] = [];
  for (const file of shimFiles([
    BUILT,
    ...(await inPath(env)),
    ...asked.map((shim) => resolveShimBinary(shim, env)),
  ])) {
    const name = path.basename(file);
    shims.push({ binary: file, label: labelOf(name, await shimVersion(file)), ours: name === OURS });
  }
  return shims;
}

/** The real paths of the files that are there, each once, in their order. */
export function shimFiles(files: readonly string[]): string[] {
  return [...new Set(files.flatMap(realPath))];
}

/** Every shim in the directories of PATH that has the interface measured here. */
export async function inPath(env: NodeJS.ProcessEnv): Promise<string[]> {
  const shims = await shimsInPath(env.PATH ?? "");
  return shims.filter(({ name }) => name.endsWith("-v2")).map(({ file }) => file);
}

/** What others are compared with: containerd's own shim, the first of its name. */
export function referenceOf(shims: readonly Shim[]): Shim | undefined {
  return shims.find(({ binary }) => path.basename(binary) === REFERENCE);
}

/** Its name, and the version out of what `-v` prints, without what a distribution adds to it. */
export function labelOf(name: string, versionText: string): string {
  const version = /^\s*Version:\s*v?(\d[\d.]*)/m.exec(versionText)?.[1];
  return version === undefined ? name : `${name} ${version}`;
}

function realPath(file: string): string[] {
  try {
    return [realpathSync(file)];
  } catch {
    return [];
  }
}

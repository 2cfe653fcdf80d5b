import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const fixtures = fileURLToPath(new URL("../fixtures", import.meta.url));

/**
 * Lays out a control group's files in a directory from their record, of which each line is `file:text`. That of v1 is
 * a real group's on Linux 6.18, with a disk limit, a throttled processor and one process killed for want of memory;
 * that of v2 has what the kernel's documentation (cgroup-v2.rst) says is in each file.
 */
export function layOutCgroup(version: "v1" | "v2", dir: string): void {
  const lines = fs
    .readFileSync(path.join(fixtures, `cgroup-${version}.txt`), "utf8")
    .trimEnd()
    .split("\n");
  for (const line of lines) {
    const colon = line.indexOf(":");
    const file = path.join(dir, line.slice(0, colon));
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.appendFileSync(file, `${line.slice(colon + 1)}\n`);
  }
}

/** The directories of v1 controllers below one directory. */
export function v1Dirs(dir: string): Record<string, string> {
  return Object.fromEntries(fs.readdirSync(dir).map((name) => [name, path.join(dir, name)]));
}

/** What the scripts share: where things are, and how a step is run and told. Node 20 alone, no packages. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The top folder of the project. */
export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Ends the script with one line that says what is wrong and what to do. */
export function fail(message) {
  process.stderr.write(`ebb: ${message}\n`);
  process.exit(1);
}

/** Runs a program in the project's folder with its output shown; ends the script when it fails. */
export function run(file, args, options = {}) {
  const result = spawnSync(file, args, { cwd: root, stdio: "inherit", ...options });
  if (result.error !== undefined) fail(`${file} could not be run: ${result.error.message}`);
  if (result.signal !== null) process.kill(process.pid, result.signal);
  if (result.status !== 0) fail(`${[file, ...args].join(" ")} failed with exit status ${result.status}`);
}

/** Runs a program and shows its output only where it fails. Returns its stdout. */
export function runQuietly(file, args, options = {}) {
  const result = spawnSync(file, args, { cwd: root, encoding: "utf8", maxBuffer: 64 << 20, ...options });
  if (result.error !== undefined) fail(`${file} could not be run: ${result.error.message}`);
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout}${result.stderr}`);
    fail(`${[file, ...args].join(" ")} failed with exit status ${result.status}`);
  }
  return result.stdout;
}

/** Says what is being done, does it, and says how long it took. */
export function step(title, work) {
  process.stderr.write(`${title} … `);
  const before = Date.now();
  const result = work();
  process.stderr.write(`${((Date.now() - before) / 1000).toFixed(1)} s\n`);
  return result;
}

/** Where a program is in PATH, or undefined. */
export function which(program) {
  for (const dir of (process.env.PATH ?? "").split(":")) {
    if (dir !== "" && existsSync(path.join(dir, program))) return path.join(dir, program);
  }
  return undefined;
}

/** The Bun that npm installed (install scripts are off, so the package for this machine is used directly). */
export function bunPath() {
  const arch = process.arch === "arm64" ? "aarch64" : process.arch;
  for (const variant of ["", "-baseline", "-musl", "-musl-baseline"]) {
    const bun = path.join(root, "node_modules/@oven", `bun-linux-${arch}${variant}`, "bin/bun");
    if (existsSync(bun)) return bun;
  }
  return fail(`npm installed no Bun for linux-${process.arch}: x64 and arm64 are supported`);
}

/** The path of a program that an npm package brought. */
export function packageBin(name) {
  return path.join(root, "node_modules/.bin", name);
}

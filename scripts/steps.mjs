/** What the scripts share: where things are, and how a step is run and told. Node 20 alone, no packages. */
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
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

/** How long a program may take whose output is not shown: downloads included. */
const QUIET_LIMIT_S = 900;

/**
 * Runs a program and shows its output only where it fails. Returns its stdout. The output goes to files: pipes
 * would be waited for as long as anything that the program leaves behind keeps them open.
 */
export function runQuietly(file, args, options = {}) {
  const called = [file, ...args].join(" ");
  const { error, status, signal, stdout, stderr } = runIntoFiles(file, args, options);
  if (error !== undefined && error.code !== "ETIMEDOUT") fail(`${file} could not be run: ${error.message}`);
  if (status === 0) return stdout;
  process.stderr.write(`${stdout}${stderr}`);
  if (error !== undefined) fail(`${called} did not end within ${QUIET_LIMIT_S} s`);
  return fail(`${called} failed with ${signal ?? `exit status ${status}`}`);
}

function runIntoFiles(file, args, options) {
  const scratch = mkdtempSync(path.join(os.tmpdir(), "ebb-step-"));
  const outputs = ["stdout", "stderr"].map((name) => path.join(scratch, name));
  const [out, err] = outputs.map((output) => openSync(output, "w"));
  const limit = { timeout: QUIET_LIMIT_S * 1000, killSignal: "SIGKILL" };
  const result = spawnSync(file, args, { cwd: root, ...options, ...limit, stdio: ["ignore", out, err] });
  for (const fd of [out, err]) closeSync(fd);
  const [stdout, stderr] = outputs.map((output) => readFileSync(output, "utf8"));
  rmSync(scratch, { recursive: true });
  return { ...result, stdout, stderr };
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

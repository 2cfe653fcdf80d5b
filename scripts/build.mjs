/** Builds `dist/containerd-shim-ebb-v2` (one executable) and `dist/lib` (the library and the `ebb` command). */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { bunPath, packageBin, root, runQuietly, step } from "./steps.mjs";

/** The executable that the build leaves. */
export const shimPath = path.join(root, "dist/containerd-shim-ebb-v2");

/** Compiles the shim, with koffi's native module in it, into one executable that reads no `.env` and no `bunfig.toml` from the bundle it runs in. */
function buildShim() {
  const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  const git = spawnSync("git", ["rev-parse", "--short=12", "HEAD"], { cwd: root, encoding: "utf8" });
  const flags = JSON.parse(readFileSync(path.join(root, "scripts/compile-flags.json"), "utf8"));
  const args = ["build", "src/shim/main.ts", "--outfile", shimPath, ...flags];
  const folder = `linux_${process.arch}`;
  const module = `node_modules/@koromix/koffi-linux-${process.arch}/${folder}/koffi.node`;
  args.push("--asset", module);
  args.push("--define", `EBB_NATIVE_MODULE=${JSON.stringify(hashOf(path.join(root, module)))}`);
  args.push("--define", `EBB_VERSION=${JSON.stringify(version)}`);
  args.push("--define", `EBB_REVISION=${JSON.stringify(git.status === 0 ? git.stdout.trim() : "")}`);
  runQuietly(bunPath(), args);
}

/** Enough of a file's SHA-256 to name it by. */
function hashOf(file) {
  return createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 16);
}

/** Emits JavaScript and declarations of the parts that run on Node and Bun alike. */
function buildLibrary() {
  const out = path.join(root, "dist/lib");
  rmSync(out, { recursive: true, force: true });
  runQuietly(packageBin("tsc"), ["-p", "tsconfig.build.json"]);
  cpSync(path.join(root, "src/proto/generated"), path.join(out, "proto/generated"), { recursive: true });
}

/** When anything that goes into the build was last changed, in milliseconds. */
function newestSource() {
  const dirs = ["src", "scripts"].flatMap((dir) =>
    readdirSync(path.join(root, dir), { recursive: true }).map((name) => path.join(root, dir, name)),
  );
  const files = [...dirs, ...["package.json", "package-lock.json"].map((name) => path.join(root, name))];
  return Math.max(...files.map((file) => statSync(file).mtimeMs));
}

/** Builds all, unless what is there is newer than every source. */
export function build() {
  const main = path.join(root, "dist/lib/client/index.js");
  const built = [shimPath, main].every((file) => existsSync(file) && statSync(file).mtimeMs > newestSource());
  if (built) return;
  mkdirSync(path.join(root, "dist"), { recursive: true });
  step("Building the library", buildLibrary);
  step("Building dist/containerd-shim-ebb-v2", buildShim);
}

if (process.argv[1] === new URL(import.meta.url).pathname) build();

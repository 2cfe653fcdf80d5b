/** Builds `dist/containerd-shim-ebb-v2` with its program `dist/containerd-shim-ebb`, and `dist/lib` (the library and the `ebb` command). */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { bunPath, fail, packageBin, root, runQuietly, step } from "./steps.mjs";

/** What containerd runs, as the build leaves it: a few lines of shell before the program. */
export const shimPath = path.join(root, "dist/containerd-shim-ebb-v2");

/** The shim's program. */
const programPath = path.join(root, "dist/containerd-shim-ebb");

/** Compiles the shim, with koffi's native module in it, into one executable that reads no `.env` and no `bunfig.toml` from the bundle it runs in. */
function buildShim() {
  const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  const git = spawnSync("git", ["rev-parse", "--short=12", "HEAD"], { cwd: root, encoding: "utf8" });
  const flags = JSON.parse(readFileSync(path.join(root, "scripts/compile-flags.json"), "utf8"));
  const args = ["build", "src/shim/main.ts", "--outfile", programPath, ...flags];
  const folder = `linux_${process.arch}`;
  const module = `node_modules/@koromix/koffi-linux-${process.arch}/${folder}/koffi.node`;
  args.push("--asset", module);
  args.push("--define", `EBB_NATIVE_MODULE=${JSON.stringify(hashOf(path.join(root, module)))}`);
  args.push("--define", `EBB_VERSION=${JSON.stringify(version)}`);
  args.push("--define", `EBB_REVISION=${JSON.stringify(git.status === 0 ? git.stdout.trim() : "")}`);
  runQuietly(bunPath(), args);
  leaveOpenFilesAlone(programPath);
}

/**
 * Has the executable run with the limit on open files that it is given. Before any JavaScript runs Bun raises the soft
 * one to the hard one, and has no switch for that; what it was is lost then, and all that the shim starts has the raised
 * one: containers whose programs close every descriptor there may be, or use select(2). So the name under which Bun has
 * the C library's setrlimit linked, for this one call, becomes that of the call that only asks.
 */
function leaveOpenFilesAlone(file) {
  const bytes = readFileSync(file);
  const [name, instead] = ["\0setrlimit\0", "\0getrlimit\0"];
  if (!bytes.includes(name)) {
    rmSync(file);
    fail("Bun does not link setrlimit by its name any more: how does it raise the limit on open files?");
  }
  // Beside the name that is linked there may be one for debuggers.
  for (let at = bytes.indexOf(name); at >= 0; at = bytes.indexOf(name, at))
    bytes.write(instead, at, "latin1");
  writeFileSync(file, bytes);
}

/** Writes what calls the program, with what the program's own code says of how. */
function writeFront() {
  const script = `
    import { COMMAND_LINE_ROOM, DAEMON_VARIABLE, Told } from "./src/shim/commands/ready.ts";
    import { SERVER_ENV } from "./src/shim/commands/server-env.ts";
    import { DEFAULT_SOCKET_DIR } from "./src/shim/commands/socket-address.ts";
    const env = Object.entries(SERVER_ENV).map((pair) => pair.join("=")).join(" ");
    const words = { DAEMON_VARIABLE, SERVER_ENV: env, SOCKET_DIR: DEFAULT_SOCKET_DIR, READY: Told.ready, FAILED: Told.failed };
    console.log(JSON.stringify({ ...words, ROOM: \`'\${COMMAND_LINE_ROOM}'\` }));`;
  const said = spawnSync(bunPath(), ["-e", script], { cwd: root, encoding: "utf8" });
  if (said.status !== 0) fail(`what src/shim/front.sh is filled in with cannot be read: ${said.stderr}`);
  const words = JSON.parse(said.stdout);
  const front = readFileSync(path.join(root, "src/shim/front.sh"), "utf8");
  const names = new RegExp(`\\b(?:${Object.keys(words).join("|")})\\b`, "g");
  writeFileSync(
    shimPath,
    front.replace(names, (name) => words[name]),
  );
  chmodSync(shimPath, 0o755);
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
  const built = [shimPath, programPath, main].every(
    (file) => existsSync(file) && statSync(file).mtimeMs > newestSource(),
  );
  if (built) return;
  mkdirSync(path.join(root, "dist"), { recursive: true });
  step("Building the library", buildLibrary);
  step("Building dist/containerd-shim-ebb", buildShim);
  step("Writing dist/containerd-shim-ebb-v2", writeFront);
}

if (process.argv[1] === new URL(import.meta.url).pathname) build();

/** `npm run bench [-- NAME...]`: sets up what is missing, builds, and measures what bench/ has; CONTRIBUTING.md. */
import { spawn } from "node:child_process";
import { statfsSync } from "node:fs";
import { build } from "./build.mjs";
import { setUp } from "./setup.mjs";
import { bunPath, fail, root } from "./steps.mjs";

/** statfs(2). */
const TMPFS_MAGIC = 0x01021994;

if (process.getuid() !== 0) fail("what is measured needs root: call it again as root");
setUp();
build();
// In a mount namespace of its own: a container that somebody starts meanwhile would get copies of the mounts that are
// measured, and an unmount with a copy elsewhere has nothing to wait for.
const measure = [bunPath(), "bench/main.ts", ...process.argv.slice(2)];
// What daemon, shims and runtime note down in /run waits for no disk: as on a node, also where /run is a part of one.
const onTmpfs = ["sh", "-c", 'mount -t tmpfs -o mode=0755 tmpfs /run && exec "$@"', "sh"];
const args = statfsSync("/run").type === TMPFS_MAGIC ? measure : [...onTmpfs, ...measure];
const bench = spawn("unshare", ["--mount", ...args], { cwd: root, stdio: "inherit" });
// Ctrl-C reaches the bench as well; this process stays until the bench has cleaned up.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => bench.kill(signal));
bench.on("exit", (code) => process.exit(code ?? 1));

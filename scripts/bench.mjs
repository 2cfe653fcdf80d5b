/** `npm run bench [-- NAME...]`: sets up what is missing, builds, and measures what bench/ has; CONTRIBUTING.md. */
import { spawn } from "node:child_process";
import { build } from "./build.mjs";
import { setUp } from "./setup.mjs";
import { bunPath, fail, root } from "./steps.mjs";

if (process.getuid() !== 0) fail("what is measured needs root: call it again as root");
setUp();
build();
// In a mount namespace of its own: a container that somebody starts meanwhile would get copies of the mounts that are
// measured, and an unmount with a copy elsewhere has nothing to wait for.
const args = ["--mount", bunPath(), "bench/main.ts", ...process.argv.slice(2)];
const bench = spawn("unshare", args, { cwd: root, stdio: "inherit" });
// Ctrl-C reaches the bench as well; this process stays until the bench has cleaned up.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => bench.kill(signal));
bench.on("exit", (code) => process.exit(code ?? 1));

/** `npm start`: sets up what is missing, builds, and shows the main job and the slow-disk scene. */
import { spawn } from "node:child_process";
import { build } from "./build.mjs";
import { setUp } from "./setup.mjs";
import { bunPath, root } from "./steps.mjs";

setUp();
build();
const demo = spawn(bunPath(), ["demo/main.ts", ...process.argv.slice(2)], { cwd: root, stdio: "inherit" });
// Ctrl-C reaches the demo as well; this process stays until the demo has cleaned up.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => demo.kill(signal));
demo.on("exit", (code) => process.exit(code ?? 1));

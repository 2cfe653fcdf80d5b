/** `npm run conformance -- --shim PATH`: sets up and runs the conformance cases; test/conformance/README.md. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { setUp } from "./setup.mjs";
import { bunPath, root } from "./steps.mjs";

setUp({ forTests: true });
const args = [path.join(root, "test/conformance/main.ts"), ...process.argv.slice(2)];
// Where the caller is: paths in the arguments are his.
const { status } = spawnSync(bunPath(), args, {
  stdio: "inherit",
  cwd: process.env.INIT_CWD ?? process.cwd(),
});
process.exit(status ?? 1);

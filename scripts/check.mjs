/** Types, formatting and lint rules; any finding is an error. */
import { build } from "./build.mjs";
import { packageBin, runQuietly, step } from "./steps.mjs";

/** Runs both checks; ends the script on the first finding. */
export function check() {
  step("Checking types", () => runQuietly(packageBin("tsc"), ["-p", "."]));
  step("Checking format and lint rules", () =>
    runQuietly(packageBin("biome"), ["check", "--error-on-warnings", "."]),
  );
}

// The examples import the library by its name, and so its built declarations.
if (process.argv[1] === new URL(import.meta.url).pathname) {
  build();
  check();
}

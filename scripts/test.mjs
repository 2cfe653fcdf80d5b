/**
 * `npm test`: sets up, checks, builds, and runs every test under Bun and the library's tests under Node as
 * well. With CI=true a skipped test is a failure. Arguments narrow the run: `npm test -- test/ttrpc`.
 */
import { build } from "./build.mjs";
import { check } from "./check.mjs";
import { setUp } from "./setup.mjs";
import { runTests } from "./test/run.mjs";

setUp({ forTests: true });
build();
check();
const places = process.argv.slice(2);
process.exit(await runTests(places.length > 0 ? places : ["test"]));

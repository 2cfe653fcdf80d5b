/** Writes what docs/ has from the schema of the configuration: config.schema.json, and the table in config.md. */
import { bunPath, packageBin, runQuietly } from "./steps.mjs";

runQuietly(bunPath(), ["-e", 'import { writeDocs } from "./scripts/config-docs.ts"; writeDocs();']);
runQuietly(packageBin("biome"), ["format", "--write", "docs/config.schema.json"]);

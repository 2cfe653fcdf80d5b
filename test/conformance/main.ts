/** `npm run conformance`: runs the cases against any shim. README.md describes it. */
import { writeFileSync } from "node:fs";
import os from "node:os";
import { Command } from "commander";
import { resolveShimBinary } from "../../src/client/index.ts";
import { allCases } from "./cases/index.ts";
import { failureText, resultTable, summary } from "./report.ts";
import { type CaseResult, Suite, startCases } from "./suite.ts";

interface Options {
  readonly shim: string;
  readonly runtimeBinary?: string;
  readonly only?: string;
  readonly json?: string;
  readonly jobs: string;
  readonly promises?: boolean;
}

const program = new Command("conformance")
  .description("Runs the conformance cases against a containerd runtime-v2 shim.")
  .requiredOption("--shim <shim>", "the shim: a path, a program in PATH, or a runtime's name")
  .option("--runtime-binary <program>", "the OCI runtime that the shim is told to use, such as crun")
  .option("--only <pattern>", "the cases whose name fits this regular expression")
  .option("--json <file>", "writes the results to this file, too")
  .option("--jobs <count>", "how many cases run at a time", String(2 * os.cpus().length))
  .option("--promises", "holds the shim to what only this project promises, too");
const options = program.parse().opts<Options>();

const pattern = new RegExp(options.only ?? "");
const cases = allCases.filter(({ name }) => pattern.test(name));
const binary = resolveShimBinary(options.shim);
const runtime = options.runtimeBinary === undefined ? {} : { runtimeBinary: options.runtimeBinary };
const suite = await Suite.open({ binary, ...runtime }, { promises: options.promises ?? false });
const resultOf = startCases(
  cases.map((one) => ({ suite, one })),
  Number(options.jobs),
);
const results: CaseResult[] = [];
for (const one of cases) {
  const result = await resultOf(suite, one);
  results.push(result);
  process.stderr.write(result.outcome === "failed" ? "F" : ".");
}
await suite.close();
process.stderr.write("\n");
process.stdout.write(`${resultTable(results)}\n${failureText(results)}${summary(results)}\n`);
if (options.json !== undefined) {
  const claims = [...suite.claims];
  writeFileSync(options.json, `${JSON.stringify({ shim: binary, claims, results }, undefined, 2)}\n`);
}
process.exit(results.some(({ outcome }) => outcome === "failed") ? 1 : 0);

/**
 * `npm test`: sets up, checks, builds, and runs every test under Bun and the library's tests under Node as
 * well. With CI=true a skipped test is a failure. Arguments narrow the run: `npm test -- test/ttrpc`.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { build } from "./build.mjs";
import { check } from "./check.mjs";
import { setUp } from "./setup.mjs";
import { bunPath, packageBin, root, runQuietly, step } from "./steps.mjs";

/** The layers whose tests run under Node too: what a library user imports. */
const NODE_TESTS = ["base", "proto", "ttrpc", "client"];

/** Every test file below the given folders or files. */
function testFiles(places, suffix) {
  return places.flatMap((place) => {
    if (place.endsWith(suffix)) return [place];
    if (!existsSync(place)) return [];
    return readdirSync(place, { recursive: true })
      .filter((name) => name.endsWith(suffix))
      .map((name) => path.join(place, name))
      .sort();
  });
}

/** What a JUnit report counts, with the names of the skipped tests. */
function readReport(file) {
  const xml = existsSync(file) ? readFileSync(file, "utf8") : "";
  const cases = xml.match(/<testcase\b[^>]*?(?:\/>|>[\s\S]*?<\/testcase>)/g) ?? [];
  const name = (text) => /\bname="([^"]*)"/.exec(text)?.[1] ?? "?";
  const skipped = cases.filter((text) => text.includes("<skipped")).map(name);
  const failed = cases.filter((text) => /<(failure|error)\b/.test(text)).map(name);
  return { passed: cases.length - skipped.length - failed.length, failed, skipped };
}

function runUnderBun(places, scratch) {
  const report = path.join(scratch, "bun.xml");
  const files = testFiles(places, ".test.ts").map((file) => `./${path.relative(root, path.resolve(file))}`);
  if (files.length === 0) return { passed: 0, failed: [], skipped: [], status: 0 };
  const args = ["test", "--timeout", "120000", "--reporter=junit", `--reporter-outfile=${report}`, ...files];
  const { status } = spawnSync(bunPath(), args, { cwd: root, stdio: "inherit" });
  return { ...readReport(report), status };
}

function runUnderNode(places, scratch) {
  const out = path.join(scratch, "node");
  step("Compiling the library's tests for Node", () => {
    runQuietly(packageBin("tsc"), ["-p", "tsconfig.test.json", "--outDir", out]);
    cpSync(path.join(root, "src/proto/generated"), path.join(out, "src/proto/generated"), {
      recursive: true,
    });
    for (const name of ["package.json", "proto", "scripts", "node_modules", "dist"]) {
      if (existsSync(path.join(root, name))) symlinkSync(path.join(root, name), path.join(out, name));
    }
    const fixtures = path.join(root, "test/fixtures");
    if (existsSync(fixtures)) cpSync(fixtures, path.join(out, "test/fixtures"), { recursive: true });
  });
  const wanted = NODE_TESTS.map((layer) => path.join("test", layer));
  const inScope = places.flatMap((place) =>
    wanted.filter((dir) => isWithin(dir, place) || isWithin(place, dir)),
  );
  const files = testFiles(
    [...new Set(inScope)].map((dir) => path.join(out, dir)),
    ".test.js",
  );
  if (files.length === 0) return { passed: 0, failed: [], skipped: [], status: 0 };
  const report = path.join(scratch, "node.xml");
  const reporters = ["--test-reporter=spec", "--test-reporter-destination=stdout"];
  reporters.push("--test-reporter=junit", `--test-reporter-destination=${report}`);
  const args = ["--test", "--test-concurrency=1", ...reporters, ...files];
  const { status } = spawnSync(process.execPath, args, { cwd: out, stdio: "inherit" });
  return { ...readReport(report), status };
}

/** Why tests were skipped: the runner does not keep the reasons that they give, so the machine is asked again. */
function reasonsOfSkips() {
  const script = 'import { whyNot } from "./lab/why-not.ts"; console.log(whyNot().join("\\n"));';
  return runQuietly(bunPath(), ["-e", script])
    .split("\n")
    .filter((line) => line !== "");
}

function isWithin(inner, outer) {
  const relative = path.relative(outer, inner);
  return relative === "" || !relative.startsWith("..");
}

setUp({ forTests: true });
build();
check();
const scratch = mkdtempSync(path.join(os.tmpdir(), "ebb-test-"));
const places = process.argv.length > 2 ? process.argv.slice(2) : ["test"];
const runs = { Bun: runUnderBun(places, scratch), Node: runUnderNode(places, scratch) };
rmSync(scratch, { recursive: true, force: true });

let bad = false;
for (const [runtime, { failed, skipped, status }] of Object.entries(runs)) {
  for (const name of failed) process.stdout.write(`failed under ${runtime}: ${name}\n`);
  for (const name of skipped) process.stdout.write(`skipped under ${runtime}: ${name}\n`);
  if (status !== 0) bad = true;
}
const total = (pick) => pick(runs.Bun) + pick(runs.Node);
const skipped = total((r) => r.skipped.length);
if (skipped > 0) {
  for (const reason of reasonsOfSkips())
    process.stdout.write(`this machine cannot run them all: ${reason}\n`);
}
if (process.env.CI === "true" && skipped > 0) {
  process.stdout.write("a skipped test is a failure where CI=true\n");
  bad = true;
}
process.stdout.write(
  `${total((r) => r.passed)} passed, ${total((r) => r.failed.length)} failed, ${skipped} skipped\n`,
);
process.exit(bad ? 1 : 0);

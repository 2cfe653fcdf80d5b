/** Which test files there are, and how each is run: under Bun all, under Node as well those of the library. */
import { cpSync, existsSync, readdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { bunPath, packageBin, root, runQuietly, step } from "../steps.mjs";

/** The layers whose tests run under Node too: what a library user imports. tsconfig.test.json compiles them. */
const NODE_TESTS = ["base", "proto", "ttrpc", "images", "client"];

/** The layers whose tests touch nothing but what they made themselves: neither mounts nor containers nor disks. */
const QUIET_TESTS = ["base", "proto", "ttrpc"];

/** Every test file in the given folders and files, once a runtime; compiles for Node what needs it. */
export function findUnits(places, scratch) {
  return [...bunUnits(places), ...nodeUnits(places, path.join(scratch, "node"))];
}

function bunUnits(places) {
  return testFiles(places, ".test.ts").map((found) => {
    const file = path.relative(root, path.resolve(found));
    const args = (report) => [
      "test",
      "--timeout",
      "120000",
      "--reporter=junit",
      `--reporter-outfile=${report}`,
    ];
    return unit("Bun", file, {
      program: bunPath(),
      args: (report) => [...args(report), `./${file}`],
      cwd: root,
    });
  });
}

function nodeUnits(places, out) {
  const inScope = (file) => places.some((place) => isWithin(file, place));
  const wanted = testFiles(
    NODE_TESTS.map((layer) => path.join("test", layer)),
    ".test.ts",
  ).filter(inScope);
  if (wanted.length > 0) step("Compiling the library's tests for Node", () => compileForNode(out));
  return wanted.map((file) => {
    const compiled = path.join(out, file.replace(/ts$/, "js"));
    const reporters = ["--test-reporter=spec", "--test-reporter-destination=stdout", "--test-reporter=junit"];
    const args = (report) => ["--test", ...reporters, `--test-reporter-destination=${report}`, compiled];
    return unit("Node", file, { program: process.execPath, args, cwd: out });
  });
}

function unit(runtime, file, how) {
  return { runtime, file, quiet: QUIET_TESTS.some((layer) => isWithin(file, `test/${layer}`)), ...how };
}

function compileForNode(out) {
  runQuietly(packageBin("tsc"), ["-p", "tsconfig.test.json", "--outDir", out]);
  const generated = "src/proto/generated";
  cpSync(path.join(root, generated), path.join(out, generated), { recursive: true });
  for (const name of ["package.json", "proto", "scripts", "node_modules", "dist"]) {
    if (existsSync(path.join(root, name))) symlinkSync(path.join(root, name), path.join(out, name));
  }
  const fixtures = path.join(root, "test/fixtures");
  if (existsSync(fixtures)) cpSync(fixtures, path.join(out, "test/fixtures"), { recursive: true });
}

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

function isWithin(inner, outer) {
  const relative = path.relative(outer, inner);
  return relative === "" || !relative.startsWith("..");
}

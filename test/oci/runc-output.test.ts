import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { parseFeatures } from "../../src/oci/features.ts";
import { listReader, parseVersion, psReader, stateReader, statsReader } from "../../src/oci/runc-output.ts";
import { status } from "../support/status.ts";
import { readRecorded } from "./helpers.ts";

const runtimes = ["runc-1.1.5", "crun-1.8.1"];

for (const runtime of runtimes) {
  describe(`what ${runtime} was recorded to print is understood:`, () => {
    for (const name of ["created", "running", "paused", "stopped"]) {
      test(`the state of a ${name} container`, () => {
        const state = stateReader.parse(readRecorded(runtime, `state-${name}.json`), "state");
        assert.equal(state.id, "c1");
        assert.equal(state.status, name);
        assert.equal(state.bundle, "/run/ebb-record/life");
        assert.equal((state.pid ?? 0) > 0, name !== "stopped");
      });
    }

    test("a list", () => {
      const list = listReader.parse(readRecorded(runtime, "list.json"), "list") ?? [];
      assert.deepEqual(
        list.map(({ id, status }) => [id, status]),
        [["c1", "running"]],
      );
    });

    test("a list of none", () => {
      const list = listReader.parse(readRecorded(runtime, "list-empty.json"), "list") ?? [];
      assert.equal(list.length, 0);
    });

    test("the pids of a container", () => {
      const pids = psReader.parse(readRecorded(runtime, "ps-running.json"), "ps") ?? [];
      assert.equal(pids.length, 1);
    });

    test("the version", () => {
      const { name, version, spec } = parseVersion(readRecorded(runtime, "version.txt"), "version");
      assert.ok(runtime === `${name}-${version.replace("+ds1", "")}`, `${name} ${version}`);
      assert.match(spec ?? "", /^1\.0\./);
    });
  });
}

test("runc's null for the pids of a stopped container is understood", () => {
  assert.equal(psReader.parse(readRecorded("runc-1.1.5", "ps-stopped.json"), "ps"), null);
});

test("runc's stats are passed on as they are", () => {
  const stats = statsReader.parse(readRecorded("runc-1.1.5", "stats.json"), "stats");
  assert.equal((stats.data as { pids?: { current?: number } }).pids?.current, 1);
});

describe("what a runtime must not print is refused by name:", () => {
  const rows: [title: string, work: () => unknown, message: RegExp][] = [
    [
      "a state without an id",
      () => stateReader.parse('{"status":"x"}', "runc state c"),
      /^runc state c: the document must have id$/,
    ],
    [
      "a state with a pid in words",
      () => stateReader.parse('{"id":"c","status":"x","pid":"7"}', "s"),
      /^s: \/pid must be a whole number$/,
    ],
    ["no state", () => stateReader.parse("", "runc state c"), /^runc state c: the document is empty$/],
    [
      "a list with something else",
      () => listReader.parse('[{"id":"c","status":"x"},{}]', "l"),
      /^l: \/1 must have id, status$/,
    ],
    ["pids that are none", () => psReader.parse("[1,0]", "ps"), /^ps: \/1 must be at least 1$/],
    ["a table in place of pids", () => psReader.parse("UID PID\n", "ps"), /^ps: the document is not JSON$/],
    ["stats without data", () => statsReader.parse("{}", "stats"), /^stats: the document must have data$/],
    ["features in another shape", () => parseFeatures('{"hooks":{}}', "f"), /^f: \/hooks must be an array$/],
    [
      "a version that is none",
      () => parseVersion("hello\n", "v"),
      /^v: the first line is not "<name> version <version>"$/,
    ],
  ];
  for (const [title, work, message] of rows) {
    test(title, () => assert.throws(work, status(StatusCode.internal, message)));
  }
});

test("a version that names no specification is understood", () => {
  assert.deepEqual(parseVersion("youki version 0.5.0\n", "v"), {
    name: "youki",
    version: "0.5.0",
    spec: undefined,
  });
});

test("what runc can do is understood", () => {
  const features = parseFeatures(readRecorded("runc-1.1.5", "features.json"), "features");
  assert.equal(features.ociVersionMax, "1.0.2-dev");
  assert.ok(features.mountOptions?.includes("rbind"));
  assert.ok(features.linux?.namespaces?.includes("pid"));
  assert.equal(features.linux?.cgroup?.v1, true);
});

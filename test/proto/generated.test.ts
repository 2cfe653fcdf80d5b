import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { events, taskV2, taskV3 } from "../../src/proto/index.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const generated = path.join(root, "src/proto/generated");

/** The generator is a script for Node, whatever runs the tests. */
const node = process.versions.bun === undefined ? process.execPath : "node";

describe("the generated code", () => {
  test("is what the generator makes of proto/ today, byte for byte", () => {
    const scratch = mkdtempSync(path.join(os.tmpdir(), "ebb-proto-"));
    try {
      const run = spawnSync(node, [path.join(root, "scripts/generate-proto.mjs"), scratch], {
        encoding: "utf8",
      });
      assert.equal(run.status, 0, run.stderr);
      const names = readdirSync(scratch).sort();
      assert.deepEqual(names, [
        "ebb-messages.d.ts",
        "ebb-messages.js",
        "ebb-services.ts",
        "messages.d.ts",
        "messages.js",
        "metrics-messages.d.ts",
        "metrics-messages.js",
        "services.ts",
      ]);
      for (const name of names) {
        const made = readFileSync(path.join(scratch, name));
        assert.ok(
          made.equals(readFileSync(path.join(generated, name))),
          `${name} differs: run npm run proto`,
        );
      }
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });

  for (const name of ["messages", "metrics-messages", "ebb-messages"]) {
    test(`of ${name} needs protobufjs/minimal alone, through src/proto/wire.ts`, () => {
      const messages = readFileSync(path.join(generated, `${name}.js`), "utf8");
      assert.deepEqual(messages.match(/^import .*$/gm), ['import $protobuf from "../wire.js";']);
      assert.equal(readFileSync(path.join(generated, `${name}.d.ts`), "utf8").includes("Long"), false);
    });
  }
});

describe("the service descriptors", () => {
  const methods =
    "State Create Start Delete Pids Pause Resume Checkpoint Kill Exec ResizePty CloseIO Update Wait Stats Connect Shutdown";
  for (const task of [taskV2, taskV3]) {
    test(`${task.name} has the methods of containerd's task service, all unary`, () => {
      const all = Object.values(task.methods);
      assert.equal(all.map(({ name }) => name).join(" "), methods);
      assert.ok(all.every(({ kind }) => kind === "unary"));
    });
  }

  test("both task services take the same messages", () => {
    assert.equal(taskV2.methods.create.input, taskV3.methods.create.input);
    assert.deepEqual(Object.keys(taskV2.methods), Object.keys(taskV3.methods));
  });

  test("names are those that containerd calls", () => {
    assert.deepEqual(
      [taskV2.name, taskV3.name, events.name, events.methods.forward.name],
      [
        "containerd.task.v2.Task",
        "containerd.task.v3.Task",
        "containerd.services.events.ttrpc.v1.Events",
        "Forward",
      ],
    );
  });

  test("a method's key is its name with a small first letter", () => {
    assert.equal(taskV2.methods.closeIO.name, "CloseIO");
    assert.equal(taskV2.methods.resizePty.input.name, "ResizePtyRequest");
  });
});

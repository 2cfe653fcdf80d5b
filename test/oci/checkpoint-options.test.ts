import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { readCheckpointOptions } from "../../src/oci/checkpoint-options.ts";
import { checkpointArgs } from "../../src/oci/runc-args.ts";
import { containerd } from "../../src/proto/index.ts";
import { status } from "../support/status.ts";

const { CheckpointOptions } = containerd.runc.v1;

/** What the daemon sends. */
function any(
  options: containerd.runc.v1.ICheckpointOptions,
  typeUrl = "containerd.runc.v1.CheckpointOptions",
) {
  return { typeUrl, value: CheckpointOptions.encode(options).finish() };
}

describe("the options of a checkpoint", () => {
  const rows: [title: string, options: containerd.runc.v1.ICheckpointOptions, args: string[]][] = [
    ["let the container run on where they say nothing", {}, ["--leave-running"]],
    ["end it where they say so", { exit: true }, []],
    ["name open connections", { exit: true, openTcp: true }, ["--tcp-established"]],
    ["name sockets", { exit: true, externalUnixSockets: true }, ["--ext-unix-sk"]],
    ["name a terminal", { exit: true, terminal: true }, ["--shell-job"]],
    ["name file locks", { exit: true, fileLocks: true }, ["--file-locks"]],
    ["name a mode for cgroups", { exit: true, cgroupsMode: "soft" }, ["--manage-cgroups-mode", "soft"]],
    [
      "name namespaces",
      { exit: true, emptyNamespaces: ["network", "ipc"] },
      ["--empty-ns", "network", "--empty-ns", "ipc"],
    ],
    ["name an earlier one", { exit: true, parentPath: "/p" }, ["--parent-path", "/p"]],
  ];
  for (const [title, options, args] of rows) {
    test(title, () => {
      const made = checkpointArgs("c1", readCheckpointOptions("/image", any(options)));
      assert.deepEqual(made, ["checkpoint", "--image-path", "/image", ...args, "c1"]);
    });
  }

  test("may be missing, and then the container runs on", () => {
    for (const none of [undefined, null, {}]) {
      assert.equal(readCheckpointOptions("/image", none).leaveRunning, true);
    }
  });

  test("may name the directories for the image, where the request does not, and for criu", () => {
    const options = readCheckpointOptions("", any({ imagePath: "/other", workPath: "/work" }));
    assert.deepEqual([options.imagePath, options.workPath], ["/other", "/work"]);
  });

  const refused: [title: string, call: () => unknown, message: RegExp][] = [
    ["of another type", () => readCheckpointOptions("/i", any({}, "a.b.C")), /a\.b\.C/],
    ["that cannot be decoded", () => readCheckpointOptions("/i", { value: new Uint8Array([7]) }), /are no/],
    [
      "with a mode nobody knows",
      () => readCheckpointOptions("/i", any({ cgroupsMode: "hard" })),
      /"hard" is not one of/,
    ],
    ["without a path for the image", () => readCheckpointOptions("", any({})), /needs a path/],
  ];
  for (const [title, call, message] of refused) {
    test(`${title} are refused`, () => assert.throws(call, status(StatusCode.invalidArgument, message)));
  }
});

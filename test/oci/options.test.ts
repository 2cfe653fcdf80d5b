import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { defaultRuncOptions, optionsFromJson, optionsToJson } from "../../src/oci/options.ts";
import { status } from "../support/status.ts";

const full = {
  noPivotRoot: true,
  noNewKeyring: true,
  shimCgroup: "/shims",
  ioUid: 1000,
  ioGid: 4294967295,
  binaryName: "crun",
  root: "/run/r",
  systemdCgroup: true,
  criuImagePath: "/i",
  criuWorkPath: "/w",
};

describe("options as JSON", () => {
  test("are the same after a round trip", () => {
    for (const options of [full, defaultRuncOptions]) {
      assert.deepEqual(optionsFromJson(optionsToJson(options), "f"), options);
    }
  });

  test("as an older Go shim wrote them are read, what is no longer known left out", () => {
    const text =
      '{"binary_name":"runc","criu_path":"/usr/sbin/criu","task_api_version":2,"systemd_cgroup":true}';
    assert.deepEqual(optionsFromJson(text, "f"), {
      ...defaultRuncOptions,
      binaryName: "runc",
      systemdCgroup: true,
    });
  });

  test("may be null, field by field", () => {
    assert.deepEqual(optionsFromJson('{"root":null,"io_uid":null}', "f"), defaultRuncOptions);
  });

  const garbage: [text: string, message: RegExp][] = [
    ["", /^f: the document is empty$/],
    ["[]", /^f: the document must be an object$/],
    ['{"root":7}', /^f: \/root must be a string$/],
    ['{"io_uid":-1}', /^f: \/io_uid must be at least 0$/],
    ['{"io_gid":4294967296}', /^f: \/io_gid must be at most 4294967295$/],
  ];
  for (const [text, message] of garbage) {
    test(`are refused where they say ${text || "nothing"}`, () => {
      assert.throws(() => optionsFromJson(text, "f"), status(StatusCode.invalidArgument, message));
    });
  }
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { defaultRuncOptions, type RuncOptions } from "../../src/oci/options.ts";
import { optionsFromToml } from "../../src/oci/toml-options.ts";
import { status } from "../support/status.ts";

describe("options as TOML", () => {
  const rows: [text: string, options: Partial<RuncOptions>][] = [
    ["", {}],
    ["NoPivotRoot = true", { noPivotRoot: true }],
    ["NoNewKeyring = true", { noNewKeyring: true }],
    ['ShimCgroup = "/shims"', { shimCgroup: "/shims" }],
    ["IoUid = 1000", { ioUid: 1000 }],
    ["IoGid = 4294967295", { ioGid: 4_294_967_295 }],
    ['BinaryName = "crun"', { binaryName: "crun" }],
    ['Root = "/run/r"', { root: "/run/r" }],
    ["SystemdCgroup = true", { systemdCgroup: true }],
    ["SystemdCgroup = false", { systemdCgroup: false }],
    ['CriuImagePath = "/i"', { criuImagePath: "/i" }],
    ['CriuWorkPath = "/w"', { criuWorkPath: "/w" }],
    // As containerd writes them when it hands them on, and as people do.
    ['BinaryName = ""\nCriuPath = ""\nIoGid = 0\nSystemdCgroup = true\n', { systemdCgroup: true }],
    ["# systemd\nsystemdcgroup = true\n", { systemdCgroup: true }],
    ["systemdcgroup = true\nSystemdCgroup = false", { systemdCgroup: false }],
    // What is not known is passed over, as containerd does.
    ['SystemdCgrup = true\nTaskApiAddress = "x"\n[Table]\nRoot = "/r"\n', {}],
  ];
  for (const [text, options] of rows) {
    test(`are read of ${JSON.stringify(text)}`, () => {
      assert.deepEqual(optionsFromToml(text, "f"), { ...defaultRuncOptions, ...options });
    });
  }

  const refused: [text: string, message: RegExp][] = [
    ['SystemdCgroup = "true"', /^f: SystemdCgroup must be true or false, not "true"$/],
    ["binaryname = 1", /^f: binaryname must be a string, not 1$/],
    ["IoUid = -1", /^f: IoUid must be a whole number from 0 to 4294967295, not -1$/],
    ["IoUid = 4294967296", /^f: IoUid must be a whole number/],
    ["IoGid = 1.5", /^f: IoGid must be a whole number/],
    ["Root = [1]", /^f: Root must be a string, not \[1\]$/],
    ["SystemdCgroup = 1979-05-27", /^f: SystemdCgroup must be true or false, not "1979-05-27"$/],
    ['Root = "/r"\nSystemdCgroup = yes', /^f: line 2, column \d+: /],
    ["Root", /^f: line 1, column \d+: [^\n]+$/],
  ];
  for (const [text, message] of refused) {
    test(`are refused as ${JSON.stringify(text)}, with the place`, () => {
      assert.throws(() => optionsFromToml(text, "f"), status(StatusCode.invalidArgument, message));
    });
  }
});

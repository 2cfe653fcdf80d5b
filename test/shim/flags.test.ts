import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode, StatusError } from "../../src/base/status.ts";
import { type Flags, parseFlags } from "../../src/shim/flags.ts";

const none: Flags = {
  namespace: "",
  id: "",
  address: "",
  publishBinary: "",
  bundle: "",
  socket: "",
  daemon: "",
  logLevel: "",
  debug: false,
  version: false,
  info: false,
  action: "",
};

describe("parseFlags reads what Go's flag package reads", () => {
  const rows: [string, string[], Partial<Flags>][] = [
    ["nothing", [], {}],
    [
      "-x v",
      ["-namespace", "k8s.io", "-id", "c1", "start"],
      { namespace: "k8s.io", id: "c1", action: "start" },
    ],
    ["--x v", ["--id", "c1", "delete"], { id: "c1", action: "delete" }],
    ["-x=v", ["-id=c1", "--address=/run/a=b.sock"], { id: "c1", address: "/run/a=b.sock" }],
    ["an empty value", ["-address", "", "-id=", "start"], { action: "start" }],
    ["a value that looks like a flag", ["-id", "-debug"], { id: "-debug" }],
    ["a switch without a value", ["-debug", "start"], { debug: true, action: "start" }],
    ["a switch with a value", ["-debug=false", "-info=T"], { debug: false, info: true }],
    ["both forms of the version", ["-version"], { version: true }],
    ["the short version", ["-v"], { version: true }],
    ["the last of two", ["-id", "a", "-id", "b"], { id: "b" }],
    ["flags behind the action are no flags", ["start", "-debug"], { action: "start" }],
    ["-- ends the flags", ["-debug", "--", "start"], { debug: true, action: "start" }],
    [
      "the daemon's own line",
      [
        "-namespace",
        "default",
        "-address",
        "/run/containerd/containerd.sock",
        "-publish-binary",
        "/usr/bin/containerd",
        "-id",
        "c1",
        "-debug",
        "start",
      ],
      {
        namespace: "default",
        address: "/run/containerd/containerd.sock",
        publishBinary: "/usr/bin/containerd",
        id: "c1",
        debug: true,
        action: "start",
      },
    ],
  ];
  for (const [title, args, expected] of rows) {
    test(title, () => assert.deepEqual(parseFlags(args), { ...none, ...expected }));
  }
});

describe("parseFlags refuses, naming the flag", () => {
  const rows: [string, string[], RegExp][] = [
    ["an unknown flag", ["-nope", "start"], /unknown flag -nope/],
    ["a name of Object's prototype", ["-constructor"], /unknown flag -constructor/],
    ["a missing value", ["-id"], /flag -id needs a value/],
    ["a switch that is neither true nor false", ["-debug=maybe"], /-debug takes true or false, not "maybe"/],
  ];
  for (const [title, args, message] of rows) {
    test(title, () => {
      assert.throws(
        () => parseFlags(args),
        (err: StatusError) => {
          assert.ok(err instanceof StatusError);
          assert.equal(err.code, StatusCode.invalidArgument);
          assert.match(err.message, message);
          assert.match(err.message, /usage: /);
          return true;
        },
      );
    });
  }
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import {
  decodeRuncOptions,
  defaultRuncOptions,
  optionsFromJson,
  optionsToJson,
} from "../../src/oci/options.ts";
import { containerd, runtimeoptions } from "../../src/proto/index.ts";
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

describe("options come from an Any", () => {
  const value = containerd.runc.v1.Options.encode(full).finish();
  for (const typeUrl of ["containerd.runc.v1.Options", "type.googleapis.com/containerd.runc.v1.Options"]) {
    test(`of the type ${typeUrl}`, () => assert.deepEqual(decodeRuncOptions({ typeUrl, value }), full));
  }

  test("with the defaults for what is not set", () => {
    const some = containerd.runc.v1.Options.encode({ binaryName: "crun" }).finish();
    const options = decodeRuncOptions({ typeUrl: "containerd.runc.v1.Options", value: some });
    assert.deepEqual(options, { ...defaultRuncOptions, binaryName: "crun" });
  });

  test("without what this version does not know", () => {
    const more = containerd.runc.v1.Options.encode({
      root: "/r",
      taskApiAddress: "x",
      taskApiVersion: 3,
    }).finish();
    const unknownField = Uint8Array.of(0xa2, 0x06, 0x01, 0x78);
    const options = decodeRuncOptions({
      typeUrl: "containerd.runc.v1.Options",
      value: Buffer.concat([more, unknownField]),
    });
    assert.deepEqual(options, { ...defaultRuncOptions, root: "/r" });
  });
});

describe("options are the defaults", () => {
  const generic = (message: runtimeoptions.v1.IOptions) => runtimeoptions.v1.Options.encode(message).finish();
  const rows: [title: string, any: Parameters<typeof decodeRuncOptions>[0]][] = [
    ["without an Any", undefined],
    ["with null in its place", null],
    ["with an empty Any", {}],
    ["with an Any of empty fields", { typeUrl: "", value: new Uint8Array() }],
    ["with a type and no value", { typeUrl: "containerd.runc.v1.Options", value: null }],
    ["with empty generic options", { typeUrl: "runtimeoptions.v1.Options", value: generic({}) }],
    [
      "with generic options that say no more than a type",
      { typeUrl: "type.googleapis.com/runtimeoptions.v1.Options", value: generic({ typeUrl: "x" }) },
    ],
  ];
  for (const [title, any] of rows)
    test(title, () => assert.deepEqual(decodeRuncOptions(any), defaultRuncOptions));
});

describe("options are refused", () => {
  for (const typeUrl of [
    "some.other.Options",
    "x/containerd.runc.v1.Options2",
    "containerd.runc.v1.CheckpointOptions",
    "/",
  ]) {
    test(`of the type ${typeUrl}, by name`, () => {
      const expected = (thrown: unknown) => (thrown as Error).message.includes(JSON.stringify(typeUrl));
      assert.throws(() => decodeRuncOptions({ typeUrl, value: Uint8Array.of(1) }), expected);
      assert.throws(
        () => decodeRuncOptions({ typeUrl }),
        status(StatusCode.invalidArgument, /are not known here/),
      );
    });
  }

  test("with a value and no type", () => {
    assert.throws(
      () => decodeRuncOptions({ value: Uint8Array.of(1) }),
      status(StatusCode.invalidArgument, /type ""/),
    );
  });

  for (const typeUrl of ["containerd.runc.v1.Options", "runtimeoptions.v1.Options"]) {
    test(`where the bytes are no ${typeUrl}`, () => {
      const value = Uint8Array.of(0x32, 0x7f, 0x01);
      const expected = new RegExp(`^runtime options are no ${typeUrl}$`);
      assert.throws(
        () => decodeRuncOptions({ typeUrl, value }),
        status(StatusCode.invalidArgument, expected),
      );
    });
  }

  const generic: [runtimeoptions.v1.IOptions, RegExp][] = [
    [{ configPath: "/etc/runc.toml" }, /with the configuration file \/etc\/runc\.toml is not supported yet/],
    [
      { configBody: Buffer.from("SystemdCgroup = true") },
      /with a configuration of 20 bytes is not supported yet/,
    ],
  ];
  for (const [message, expected] of generic) {
    test(`where they are generic ones with ${Object.keys(message)[0]}`, () => {
      const value = runtimeoptions.v1.Options.encode(message).finish();
      const any = { typeUrl: "runtimeoptions.v1.Options", value };
      assert.throws(() => decodeRuncOptions(any), status(StatusCode.unimplemented, expected));
    });
  }
});

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

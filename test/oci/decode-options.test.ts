import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { decodeRuncOptions } from "../../src/oci/decode-options.ts";
import { defaultRuncOptions } from "../../src/oci/options.ts";
import { areRuncOptions } from "../../src/oci/options-type.ts";
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
    test(`of the type ${typeUrl}`, async () =>
      assert.deepEqual(await decodeRuncOptions({ typeUrl, value }), full));
  }

  test("with the defaults for what is not set", async () => {
    const some = containerd.runc.v1.Options.encode({ binaryName: "crun" }).finish();
    const options = await decodeRuncOptions({ typeUrl: "containerd.runc.v1.Options", value: some });
    assert.deepEqual(options, { ...defaultRuncOptions, binaryName: "crun" });
  });

  test("without what this version does not know, and without what is for the daemon alone", async () => {
    const more = containerd.runc.v1.Options.encode({
      root: "/r",
      taskApiAddress: "x",
      taskApiVersion: 3,
    }).finish();
    const unknownField = Uint8Array.of(0xa2, 0x06, 0x01, 0x78);
    const options = await decodeRuncOptions({
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
    test(title, async () => assert.deepEqual(await decodeRuncOptions(any), defaultRuncOptions));
});

describe("options are refused", () => {
  for (const typeUrl of [
    "some.other.Options",
    "x/containerd.runc.v1.Options2",
    "containerd.runc.v1.CheckpointOptions",
    "/",
  ]) {
    test(`of the type ${typeUrl}, by name`, async () => {
      const refused = status(StatusCode.invalidArgument, /are not known here/);
      await assert.rejects(decodeRuncOptions({ typeUrl }), refused);
      const named = (err: Error) => err.message.includes(JSON.stringify(typeUrl));
      await assert.rejects(decodeRuncOptions({ typeUrl, value: Uint8Array.of(1) }), named);
      assert.equal(areRuncOptions({ typeUrl }), false);
    });
  }

  test("with a value and no type", async () => {
    const decoding = decodeRuncOptions({ value: Uint8Array.of(1) });
    await assert.rejects(decoding, status(StatusCode.invalidArgument, /type ""/));
  });

  for (const typeUrl of ["containerd.runc.v1.Options", "runtimeoptions.v1.Options"]) {
    test(`where the bytes are no ${typeUrl}`, async () => {
      const value = Uint8Array.of(0x32, 0x7f, 0x01);
      const expected = new RegExp(`^runtime options are no ${typeUrl}$`);
      await assert.rejects(
        decodeRuncOptions({ typeUrl, value }),
        status(StatusCode.invalidArgument, expected),
      );
      assert.equal(areRuncOptions({ typeUrl }), true);
    });
  }
});

describe("generic options", () => {
  const typeUrl = "runtimeoptions.v1.Options";
  const decode = (message: runtimeoptions.v1.IOptions) =>
    decodeRuncOptions({ typeUrl, value: runtimeoptions.v1.Options.encode(message).finish() });
  const body = (text: string) => Buffer.from(text);
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-options-"));
  after(() => fs.rmSync(dir, { recursive: true }));
  const file = path.join(dir, "runc.toml");
  fs.writeFileSync(file, 'BinaryName = "crun"\n');

  test("are runc's, as TOML in them", async () => {
    const options = await decode({ configBody: body("SystemdCgroup = true\nIoUid = 7\n") });
    assert.deepEqual(options, { ...defaultRuncOptions, systemdCgroup: true, ioUid: 7 });
  });

  test("are runc's in a file, which comes before a body", async () => {
    const options = await decode({ configPath: file, configBody: body('Root = "/r"') });
    assert.deepEqual(options, { ...defaultRuncOptions, binaryName: "crun" });
  });

  test("may say that they are runc's", async () => {
    const options = await decode({ typeUrl: "containerd.runc.v1.Options", configPath: file });
    assert.equal(options.binaryName, "crun");
  });

  const refused: [runtimeoptions.v1.IOptions, RegExp][] = [
    [{ typeUrl: "runsc.v1.options", configPath: file }, /of type "runsc\.v1\.options" are not known here/],
    [{ configPath: "/no/such.toml" }, /configuration \/no\/such\.toml: there is no such file/],
    [
      { configBody: body("SystemdCgroup = 1") },
      /^the runtime's options: SystemdCgroup must be true or false/,
    ],
  ];
  for (const [message, expected] of refused) {
    test(`are refused as ${JSON.stringify({ ...message, configBody: String(message.configBody ?? "") })}`, async () => {
      await assert.rejects(decode(message), status(StatusCode.invalidArgument, expected));
    });
  }
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { LogLevel } from "../../../src/base/logger.ts";
import { containerd, google } from "../../../src/proto/index.ts";
import { readBootstrap } from "../../../src/shim/commands/bootstrap.ts";

const { BootstrapParams } = containerd.runtime.bootstrap.v1;
const flags = { id: "c", namespace: "n", debug: false };
const base = { instanceId: "c", namespace: "n" };
const runcOptions = {
  typeUrl: "containerd.runc.v1.Options",
  value: containerd.runc.v1.Options.encode({ shimCgroup: "/shims" }).finish(),
};
const other = { typeUrl: "containerd.types.Other", value: Uint8Array.of(1) };

describe("what a daemon hands to start", () => {
  const levels: [number: number, level: LogLevel][] = [
    [-8, "debug"],
    [-4, "debug"],
    [-3, "info"],
    [0, "info"],
    [1, "warn"],
    [4, "warn"],
    [5, "error"],
    [8, "error"],
    [12, "error"],
  ];
  for (const [logLevel, level] of levels) {
    test(`asks by log level ${logLevel} for lines from ${level} on`, () => {
      const stdin = BootstrapParams.encode({ ...base, logLevel }).finish();
      assert.equal(readBootstrap(stdin, flags, {}).logLevel, level);
      assert.equal(readBootstrap(stdin, { ...flags, debug: true }, {}).logLevel, "debug");
    });
  }

  test("asks for lines from info on where it has no level, and by -debug for more", () => {
    assert.equal(readBootstrap(new Uint8Array(), flags, {}).logLevel, "info");
    assert.equal(readBootstrap(new Uint8Array(), { ...flags, debug: true }, {}).logLevel, "debug");
  });

  test("has the runtime's options among its extensions, wherever they are", () => {
    const extensions = [{ value: other }, {}, { value: runcOptions }];
    const stdin = BootstrapParams.encode({ ...base, extensions }).finish();
    const { options } = readBootstrap(stdin, flags, {});
    assert.equal(options?.typeUrl, runcOptions.typeUrl);
    assert.deepEqual(Buffer.from(options?.value ?? []), Buffer.from(runcOptions.value));
  });

  test("has them as all of its input before 2.3", () => {
    const stdin = google.protobuf.Any.encode(runcOptions).finish();
    assert.equal(readBootstrap(stdin, flags, {}).options?.typeUrl, runcOptions.typeUrl);
  });

  test("has none where there are only somebody else's", () => {
    const extensions = [{ value: other }];
    const stdin = BootstrapParams.encode({ ...base, extensions }).finish();
    assert.equal(readBootstrap(stdin, flags, {}).options, undefined);
    const any = google.protobuf.Any.encode(other).finish();
    assert.equal(readBootstrap(any, flags, {}).options, undefined);
  });
});

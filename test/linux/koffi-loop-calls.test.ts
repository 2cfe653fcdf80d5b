import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { type Caller, callerOf } from "../../src/linux/caller.ts";
import { errnoError } from "../../src/linux/errno.ts";
import { KoffiLoopCalls } from "../../src/linux/koffi-loop-calls.ts";
import { LoopFlag } from "../../src/linux/loop-calls.ts";
import { loadNativeModule } from "../../src/linux/native-module.ts";

const skip =
  process.getuid?.() !== 0
    ? "needs root"
    : fs.existsSync("/dev/loop-control")
      ? false
      : "has no loop devices";

const LOOP_CONFIGURE = 0x4c0a;
const LOOP_SET_STATUS64 = 0x4c04;

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-loop-"));
after(() => fs.rmSync(dir, { recursive: true }));
const image = path.join(dir, "image");
fs.writeFileSync(image, Buffer.alloc(1 << 20));

/** A kernel that does not know these requests. */
function kernelWithout(...requests: number[]): Caller {
  const caller = callerOf(loadNativeModule());
  const off: Caller["off"] = async (call, args, what) => {
    if (requests.includes(Number(args[1]))) throw errnoError(what, 22);
    return caller.off(call, args, what);
  };
  return { ...caller, off };
}

/** Attaches the image, hands over the device's name while it is open, and closes it. */
async function attached(calls: KoffiLoopCalls, flags: number, use: (name: string) => void): Promise<void> {
  const opened: number[] = [];
  const open = (file: string) => {
    opened.push(fs.openSync(file, "r+"));
    return opened.at(-1) ?? -1;
  };
  try {
    const control = open("/dev/loop-control");
    const file = open(image);
    for (;;) {
      const name = `loop${await calls.getFree(control)}`;
      try {
        await calls.configure(open(`/dev/${name}`), { file, name: image, flags });
      } catch (err) {
        // Other tests take loop devices as well.
        if (hasCode(err, StatusCode.failedPrecondition)) continue;
        throw err;
      }
      return use(name);
    }
  } finally {
    for (const fd of opened) fs.closeSync(fd);
  }
}

const attributeOf = (name: string, attribute: string) =>
  fs.readFileSync(`/sys/block/${name}/${attribute}`, "utf8").trim();

describe("a loop device", () => {
  for (const [kernel, missing] of [
    ["a kernel that attaches in one call", []],
    ["a kernel from before 5.8", [LOOP_CONFIGURE]],
  ] as const) {
    test(`on ${kernel} shows the file as it is to be shown, and is free when it is closed`, {
      skip,
    }, async () => {
      let device = "";
      const { autoClear, readOnly, directIo } = LoopFlag;
      await attached(new KoffiLoopCalls(kernelWithout(...missing)), autoClear | directIo, (name) => {
        device = name;
        assert.equal(attributeOf(name, "loop/backing_file"), image);
        assert.equal(attributeOf(name, "loop/autoclear"), "1");
        assert.equal(attributeOf(name, "ro"), "0");
      });
      assert.throws(() => attributeOf(device, "loop/backing_file"), /ENOENT/);
      await attached(new KoffiLoopCalls(kernelWithout(...missing)), autoClear | readOnly, (name) =>
        assert.equal(attributeOf(name, "loop/autoclear"), "1"),
      );
    });
  }

  test("is freed where it cannot be made what it is to be", { skip }, async () => {
    const calls = new KoffiLoopCalls(kernelWithout(LOOP_CONFIGURE, LOOP_SET_STATUS64));
    const attaching = attached(calls, LoopFlag.autoClear, () => {});
    await assert.rejects(attaching, (err) => hasCode(err, StatusCode.invalidArgument));
    const showing = fs
      .readdirSync("/sys/block")
      .filter((name) => fs.existsSync(`/sys/block/${name}/loop/backing_file`))
      .filter((name) => attributeOf(name, "loop/backing_file") === image);
    assert.deepEqual(showing, []);
  });
});

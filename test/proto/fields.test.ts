import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  bytesField,
  encodeFields,
  hasFieldMoreThan,
  int32Field,
  manyBytes,
  readFields,
  textField,
} from "../../src/proto/fields.ts";
import { containerd } from "../../src/proto/index.ts";

const { BootstrapParams } = containerd.runtime.bootstrap.v1;
const fieldsOf = (hex: string) => readFields(Buffer.from(hex.replaceAll(" ", ""), "hex"));

describe("the fields of a message without its class", () => {
  test("are those that the generated code reads", () => {
    const value = { typeUrl: "a/b", value: Buffer.alloc(70_000, 7) };
    const params = {
      instanceId: "ü",
      namespace: "n",
      logLevel: -8,
      extensions: [{ value }, {}],
      socketDir: "/run/s",
    };
    const fields = readFields(BootstrapParams.encode(params).finish());
    assert.deepEqual(
      [1, 2, 9].map((number) => textField(fields, number)),
      ["ü", "n", "/run/s"],
    );
    assert.equal(int32Field(fields, 3), -8);
    const [first, second] = manyBytes(fields, 8).map(readFields);
    const any = readFields((first && bytesField(first, 1)) ?? Buffer.alloc(0));
    assert.equal(textField(any, 1), "a/b");
    assert.deepEqual(Buffer.from(bytesField(any, 2) ?? []), value.value);
    assert.equal(second?.size, 0);
  });

  test("that are not there are empty, and of several the last counts", () => {
    const fields = fieldsOf("0a0161 0a0162 1805 1806");
    assert.deepEqual([textField(fields, 1), int32Field(fields, 3)], ["b", 6]);
    assert.deepEqual(
      [textField(fields, 2), int32Field(fields, 2), bytesField(fields, 2)],
      ["", 0, undefined],
    );
  });

  test("of another kind than the one asked for count as none", () => {
    const fields = fieldsOf("0805 120161");
    assert.deepEqual([textField(fields, 1), int32Field(fields, 2)], ["", 0]);
  });

  test("of fixed size are passed over", () => {
    assert.equal(textField(fieldsOf("0d01020304 110102030405060708 1a0161"), 3), "a");
  });

  test("are counted up to a limit", () => {
    const pairs = (count: number) =>
      Buffer.concat([Buffer.from("0d0102030410051a0161", "hex"), Buffer.from("2a00".repeat(count), "hex")]);
    assert.deepEqual(
      [9, 10, 11, 1_000].map((count) => hasFieldMoreThan(pairs(count), 5, 10)),
      [false, false, true, true],
    );
    assert.equal(hasFieldMoreThan(pairs(11), 3, 10), false);
    assert.throws(
      () => hasFieldMoreThan(Buffer.concat([Buffer.from("3334", "hex"), pairs(11)]), 5, 10),
      /unknown kind/,
    );
  });

  const broken: [what: string, hex: string, message: RegExp][] = [
    ["a length beyond the end", "0a05 61", /a value is cut short/],
    ["the greatest length", "0affffffff0f 61", /a value is cut short/],
    ["half a number", "18 80", /a number is cut short/],
    ["a number of more than 64 bits", "18 ffffffffffffffffffff01", /a number has no end/],
    ["half a fixed value", "0d 0102", /a value is cut short/],
    ["a group", "0b", /unknown kind 3/],
    ["the field 0", "00 01", /the number 0/],
  ];
  for (const [what, hex, message] of broken) {
    test(`are refused where there is ${what}`, () => {
      assert.throws(() => fieldsOf(hex), message);
    });
  }

  test("are text only where they are UTF-8", () => {
    assert.throws(() => textField(fieldsOf("0a02c328"), 1), /not UTF-8/);
    assert.equal(textField(fieldsOf("0a03efbfbd"), 1), "\ufffd");
  });
});

describe("fields that become a message", () => {
  const { DeleteResponse } = containerd.task.v2;
  const seconds: readonly [what: string, seconds: number][] = [
    ["now", 1_795_698_512],
    ["nothing", 0],
    ["the end of one byte", 127],
    ["the first that needs two", 128],
    ["the last of 32 bits", 0xffff_ffff],
    ["past 32 bits", 2 ** 40 + 5],
  ];
  for (const [what, number] of seconds) {
    test(`are read by its class: ${what}`, () => {
      const exitedAt = encodeFields([
        [1, number],
        [2, 678_000_000],
      ]);
      const message = encodeFields([
        [1, 4_194_000],
        [2, 137],
        [3, exitedAt],
      ]);
      const read = DeleteResponse.decode(message);
      assert.deepEqual([read.pid, read.exitStatus], [4_194_000, 137]);
      assert.deepEqual([Number(read.exitedAt?.seconds), read.exitedAt?.nanos], [number, 678_000_000]);
      assert.deepEqual(
        readFields(message).get(3),
        [new Uint8Array(exitedAt)].map((bytes) => Buffer.from(bytes)),
      );
    });
  }
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Metadata } from "../../src/ttrpc/metadata.ts";

describe("Metadata", () => {
  test("takes a value or several for a key", () => {
    const metadata = new Metadata({ one: "1", many: ["a", "b"], none: [] });
    assert.equal(metadata.get("one"), "1");
    assert.deepEqual(metadata.getAll("many"), ["a", "b"]);
    assert.equal(metadata.get("many"), "a");
    assert.equal(metadata.get("none"), undefined);
    assert.deepEqual(metadata.getAll("absent"), []);
  });

  test("does not tell keys apart by case", () => {
    const metadata = new Metadata({ "Containerd-Namespace-TTRPC": "default" });
    metadata.append("CONTAINERD-namespace-ttrpc", "k8s.io");
    assert.deepEqual(metadata.getAll("containerd-namespace-ttrpc"), ["default", "k8s.io"]);
    assert.deepEqual(
      [...metadata].map(([key]) => key),
      ["containerd-namespace-ttrpc"],
    );
  });

  test("travels as one pair for each value, in order", () => {
    const pairs = new Metadata({ b: ["1", "2"], a: "3" }).toRequest();
    assert.deepEqual(pairs, [
      { key: "b", value: "1" },
      { key: "b", value: "2" },
      { key: "a", value: "3" },
    ]);
    assert.deepEqual(Metadata.fromRequest({ metadata: pairs }).toRequest(), pairs);
  });

  test("takes pairs that lack a key or a value, as protobuf may leave them out", () => {
    const metadata = Metadata.fromRequest({ metadata: [{}, { key: "k" }, { value: "v" }] });
    assert.deepEqual(metadata.getAll(""), ["", "v"]);
    assert.deepEqual(metadata.getAll("k"), [""]);
    assert.deepEqual(Metadata.fromRequest({}).toRequest(), []);
  });

  for (const key of ["__proto__", "constructor", "toString", "hasownproperty"]) {
    test(`treats the key ${key} like any other`, () => {
      const metadata = Metadata.fromRequest({ metadata: [{ key, value: "x" }] });
      assert.equal(metadata.get(key), "x");
      assert.equal(new Metadata().get(key), undefined);
      assert.equal(Object.keys({}).length, 0);
    });
  }

  test("can be made from another, and is then its own", () => {
    const first = new Metadata({ k: "1" });
    const second = new Metadata(first);
    second.append("k", "2");
    assert.deepEqual(first.getAll("k"), ["1"]);
    assert.deepEqual(second.getAll("k"), ["1", "2"]);
  });
});

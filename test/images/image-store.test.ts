import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { ImageStore } from "../../src/images/image-store.ts";
import { status } from "../support/status.ts";
import { image, refer } from "./samples.ts";
import { filesBelow, scratch } from "./scratch.ts";

const make = scratch();
const target = refer(image(["x"]).manifest);
const createdAt = "2026-01-02T03:04:05.000Z";
const NAME = "docker.io/library/busybox:latest";

describe("the images of a host", () => {
  test("are none at first", async () => {
    const store = new ImageStore(path.join(make(), "nothing"));
    assert.deepEqual(await store.list(), []);
    assert.equal(await store.get("busybox"), undefined);
    assert.equal(await store.remove("busybox"), false);
  });

  test("are found by any form of their names", async () => {
    const store = new ImageStore(make());
    await store.put({ reference: "busybox", target, createdAt });
    const expected = { reference: NAME, target, createdAt };
    for (const name of ["busybox", "busybox:latest", "docker.io/busybox", NAME]) {
      assert.deepEqual(await store.get(name), expected);
    }
    assert.equal(await store.get("busybox:1"), undefined);
  });

  test("are listed in order, and replaced and removed one by one", async () => {
    const store = new ImageStore(make());
    for (const reference of ["b", "ghcr.io/a", "a", "b"]) await store.put({ reference, target, createdAt });
    const names = async () => (await store.list()).map(({ reference }) => reference);
    const [a, b, c] = ["docker.io/library/a:latest", "docker.io/library/b:latest", "ghcr.io/a:latest"];
    assert.deepEqual(await names(), [a, b, c]);
    assert.equal(await store.remove("b"), true);
    assert.equal(await store.remove("b"), false);
    assert.deepEqual(await names(), [a, c]);
  });

  test("are files that their owner alone reads, and no half ones", async () => {
    const dir = make();
    await new ImageStore(dir).put({ reference: `a/${"b".repeat(200)}`, target, createdAt });
    const [file = "", ...others] = filesBelow(dir);
    assert.deepEqual(others, []);
    assert.equal(fs.statSync(path.join(dir, file)).mode & 0o777, 0o600);
    assert.equal(fs.statSync(path.dirname(path.join(dir, file))).mode & 0o777, 0o700);
  });

  for (const left of ["", '{"reference"', '{"reference":"a"}']) {
    test(`are not those that a power cut has left as ${JSON.stringify(left)}`, async () => {
      const dir = make();
      const store = new ImageStore(dir);
      await store.put({ reference: "a", target, createdAt });
      await store.put({ reference: "b", target, createdAt });
      const file = filesBelow(dir).find((name) =>
        fs.readFileSync(path.join(dir, name), "utf8").includes("/b:"),
      );
      fs.writeFileSync(path.join(dir, file ?? ""), left);
      assert.deepEqual((await store.list()).length, 1);
      assert.equal(await store.get("b"), undefined);
      await store.put({ reference: "b", target, createdAt });
      assert.equal((await store.list()).length, 2);
    });
  }

  test("have no bad names", async () => {
    const store = new ImageStore(make());
    const refused = status(StatusCode.invalidArgument, /^image reference "A": .* lower case$/);
    await assert.rejects(store.get("A"), refused);
    await assert.rejects(store.remove("A"), refused);
    await assert.rejects(store.put({ reference: "A", target, createdAt }), refused);
  });
});

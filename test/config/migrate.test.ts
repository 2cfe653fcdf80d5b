import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { defaultConfig } from "../../src/config/defaults.ts";
import { migrate } from "../../src/config/migrate.ts";
import { parseConfig } from "../../src/config/parse.ts";

describe("a configuration of version 1", () => {
  const rows: [title: string, old: object, now: object][] = [
    ["that says nothing", { version: 1 }, { version: 2, runtime: {} }],
    [
      "with all that it could say",
      { version: 1, release: "strict", limits: { mountMs: 1, eventQueue: 2, deleteMs: 3 } },
      { version: 2, runtime: { release: "strict", limits: { mountMs: 1, eventQueue: 2, deleteMs: 3 } } },
    ],
  ];
  for (const [title, old, now] of rows) {
    test(`${title} says the same in the current form`, () => {
      const before = structuredClone(old);
      assert.deepEqual(migrate(old, "f"), now);
      assert.deepEqual(old, before);
      assert.deepEqual(parseConfig(JSON.stringify(old), "f"), parseConfig(JSON.stringify(now), "f"));
    });
  }

  test("gets the defaults of what it could not say", () => {
    const { runtime, images } = parseConfig('{"version":1,"limits":{"exitMs":5}}', "f");
    assert.deepEqual(runtime.limits, { ...defaultConfig.runtime.limits, exitMs: 5 });
    assert.deepEqual(images, defaultConfig.images);
  });
});

test("a configuration of the current version, or of none, is left as it is", () => {
  for (const document of [{ version: 2, runtime: {} }, {}, { version: "1" }, [], null, 3, { version: -1 }]) {
    assert.equal(migrate(document, "f"), document);
  }
});

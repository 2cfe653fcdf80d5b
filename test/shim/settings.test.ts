import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusError } from "../../src/base/status.ts";
import { defaultSettings, readSettings } from "../../src/shim/settings.ts";

describe("readSettings", () => {
  test("gives the defaults where the environment says nothing", () => {
    assert.deepEqual(readSettings({ PATH: "/bin", EBB_EXIT_MS: "" }), defaultSettings);
  });

  test("takes what the environment says", () => {
    assert.deepEqual(readSettings({ EBB_EXIT_MS: "250" }), { ...defaultSettings, exitMs: 250 });
  });

  for (const value of ["0", "-1", "1.5", "10s", "abc", "99999999999"]) {
    test(`refuses ${value}, naming the variable`, () => {
      assert.throws(
        () => readSettings({ EBB_MOUNT_MS: value }),
        (err: unknown) => {
          assert.ok(err instanceof StatusError);
          assert.match(err.message, /^EBB_MOUNT_MS must be a whole number/);
          return true;
        },
      );
    });
  }
});

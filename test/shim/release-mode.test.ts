import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RELEASE_ANNOTATION, RELEASE_MODES } from "../../src/base/release-mode.ts";
import { StatusCode } from "../../src/base/status.ts";
import { releaseModeOf } from "../../src/shim/release-mode.ts";
import { status } from "../support/status.ts";

describe("the release mode of a container", () => {
  for (const mode of RELEASE_MODES) {
    test(`is the host's where it has no annotation: ${mode}`, () => {
      assert.equal(releaseModeOf({ "io.containerd.ebb.other": "x" }, { release: mode }), mode);
    });

    test(`is what its annotation says: ${mode}`, () => {
      for (const release of RELEASE_MODES) {
        assert.equal(releaseModeOf({ [RELEASE_ANNOTATION]: mode }, { release }), mode);
      }
    });
  }

  for (const word of ["", "Strict", " strict", "toString", "deferred,strict"]) {
    test(`is not guessed from ${JSON.stringify(word)}`, () => {
      const expected = status(
        StatusCode.invalidArgument,
        /^annotation io\.containerd\.ebb\.release must be one of deferred, strict, volatile, not "/,
      );
      const annotations = { [RELEASE_ANNOTATION]: word };
      assert.throws(() => releaseModeOf(annotations, { release: "deferred" }), expected);
    });
  }
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decodeWaitStatus, type Ending, exitStatusOf } from "../../src/linux/wait-status.ts";

describe("a wait status", () => {
  const rows: [string, number, Ending, number][] = [
    ["exit 0", 0x0000, { code: 0 }, 0],
    ["exit 3", 0x0300, { code: 3 }, 3],
    ["exit 255", 0xff00, { code: 255 }, 255],
    ["SIGKILL", 0x0009, { signal: 9 }, 137],
    ["SIGTERM", 0x000f, { signal: 15 }, 143],
    ["SIGSEGV with a core dump", 0x008b, { signal: 11 }, 139],
    ["a real-time signal", 64, { signal: 64 }, 192],
  ];
  for (const [title, status, ending, exit] of rows) {
    test(`of ${title}`, () => {
      assert.deepEqual(decodeWaitStatus(status), ending);
      assert.equal(exitStatusOf(decodeWaitStatus(status)), exit);
    });
  }
});

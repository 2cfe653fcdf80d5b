import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { describePending } from "../../src/client/cli/pending-table.ts";
import type { PendingRelease } from "../../src/client/pending.ts";

const first: PendingRelease = {
  namespace: "k8s.io",
  id: "web",
  mode: "deferred",
  kind: "overlay",
  mountPoint: "/bundles/web/rootfs",
  mounted: "0:55",
  source: "/snapshots/1/fs",
  device: "8:1",
  since: "2026-02-01T00:00:00.000Z",
  ageMs: 125_000,
  state: "syncing",
  helper: { pid: 42, startTime: 7 },
  stack: ["io_schedule", "ovl_sync_fs"],
  holders: [],
};
const second: PendingRelease = {
  ...first,
  id: "db",
  device: "",
  ageMs: 900,
  state: "waiting",
  stack: [],
  holders: [{ namespace: 4026532, pids: [9, 12], processes: 5, mountPoints: ["/x", "/y"] }],
};

const show = (releases: PendingRelease[], options = {}) =>
  describePending(releases, { stack: false, plain: true, ...options });

describe("the table of pending releases", () => {
  test("is plain columns where it is not for a terminal", () => {
    assert.equal(
      show([first, { ...second, holders: [] }]),
      [
        "CONTAINER   SOURCE           DEVICE  AGE        HELPER  STATE",
        "k8s.io/web  /snapshots/1/fs  8:1     2 min 5 s  42      syncing",
        "k8s.io/db   /snapshots/1/fs  -       0 s        42      waiting",
      ].join("\n"),
    );
  });

  test("has a frame on a terminal", () => {
    assert.match(show([first], { plain: false }), /^┌─+┬[\s\S]*│ k8s\.io\/web │[\s\S]*┘$/);
  });

  test("says below a release where in the kernel its helper is, or that nobody may know", () => {
    const [, , ...lines] = show([first, second], { stack: true }).split("\n");
    assert.deepEqual(lines.slice(0, 2), ["  io_schedule", "  ovl_sync_fs"]);
    assert.equal(lines[3], "  its kernel stack may not be read");
  });

  test("is followed by who else has a release's mount, or that nobody knows", () => {
    const lines = show([first, second, { ...first, holders: null }]).split("\n");
    assert.deepEqual(lines.slice(4), [
      "k8s.io/db is also mounted at /x, /y in mount namespace 4026532 (pids 9, 12 and 3 more)",
      "k8s.io/web: who else has it mounted is not known",
    ]);
  });

  test("shows nothing that a terminal would obey, whatever a record says", () => {
    const evil = "x\x1b[2J\x9b\u202ey\n";
    const mountPoints = [evil];
    const holders = [{ namespace: 1, pids: [9], processes: 1, mountPoints }];
    const lines = show([
      { ...first, id: evil, namespace: evil, source: evil, device: evil, stack: [evil], holders },
      { ...first, id: evil, holders: null },
    ]);
    assert.doesNotMatch(lines, /[^\P{Cc}\n]|\u202e/u);
    assert.match(lines, /\/x\\x1b\[2J\\x9b\\u202ey\\x0a is also mounted at x\\x1b/);
    assert.match(lines, /y\\x0a: who else has it mounted is not known/);
  });

  test("names a single process as one", () => {
    const holder = { namespace: 1, pids: [9], processes: 1, mountPoints: ["/x"] };
    assert.match(show([{ ...first, holders: [holder] }]), / \(pid 9\)$/);
  });
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type MountInfo, parseMountInfo } from "../../src/linux/mountinfo.ts";
import {
  mountPointsToIsolate,
  mountsAround,
  mountsUnder,
  reachableMounts,
} from "../../src/rootfs/mount-tree.ts";

/** A mount in few words: id, parent, mount point, propagation. */
function mount(id: number, parent: number, mountPoint: string, ...propagation: string[]): MountInfo {
  const rest = { device: "0:1", root: "/", options: "rw", type: "tmpfs", source: "none", superOptions: "rw" };
  return { id, parent, mountPoint, propagation, ...rest };
}

const ids = (mounts: readonly MountInfo[]) => mounts.map(({ id }) => id);

describe("mounts around a path", () => {
  const table = [
    "1 0 254:0 / / rw shared:1 - ext4 /dev/a rw",
    "2 1 0:20 / /run rw shared:2 - tmpfs tmpfs rw",
    "3 2 0:30 / /run/a\\040b rw shared:3 - overlay overlay rw",
    "4 3 254:0 /x /run/a\\040b/x rw shared:1 - ext4 /dev/a rw",
    "5 6 0:30 / /copy rw shared:9 - overlay overlay rw",
    "6 1 0:40 / /mirror rw - tmpfs tmpfs rw",
    "7 1 0:50 / /peer rw shared:3 master:4 - overlay overlay rw",
    "13 1 0:60 / /run/a\\040bc rw - tmpfs tmpfs rw",
    "31 1 0:301 / /other rw shared:31 - overlay overlay rw",
  ].join("\n");

  test("are what is there, what shares a file system or a group with that, and what these are mounted on", () => {
    const found = ids(mountsAround("/run/a b", table));
    assert.deepEqual(found.toSorted(), [1, 2, 3, 4, 5, 6, 7]);
  });

  test("lead to the same as all of the table", () => {
    const [around, all] = [mountsAround("/run/a b", table), parseMountInfo(table)];
    for (const look of [reachableMounts, mountPointsToIsolate, mountsUnder]) {
      assert.deepEqual(look(around, "/run/a b"), look(all, "/run/a b"));
    }
    assert.deepEqual(mountPointsToIsolate(all, "/run/a b").length, 1);
  });

  test("are all there are where many are inside", () => {
    const more = [41, 42, 43].map((id) => `${id} 3 0:${id} / /run/a\\040b/${id} rw - tmpfs tmpfs rw`);
    const text = [table, ...more].join("\n");
    assert.deepEqual(mountsAround("/run/a b", text), parseMountInfo(text));
  });

  test("are none where nothing is mounted", () => {
    assert.deepEqual(mountsAround("/run/a", table), []);
  });
});

describe("mounts under a path", () => {
  test("are those at it and below it, not those whose name begins alike", () => {
    const all = [mount(1, 0, "/"), mount(2, 1, "/r"), mount(3, 2, "/r/a"), mount(4, 1, "/ra")];
    assert.deepEqual(ids(mountsUnder(all, "/r")), [2, 3]);
  });
});

describe("reachable mounts", () => {
  const rows: [string, MountInfo[], number[]][] = [
    [
      "of a tree are all, the deepest first",
      [mount(2, 1, "/r"), mount(3, 2, "/r/a/b"), mount(4, 2, "/r/c")],
      [3, 4, 2],
    ],
    ["of a stack is the uppermost", [mount(2, 1, "/r"), mount(3, 2, "/r"), mount(4, 3, "/r")], [4]],
    [
      "of a stack in the tree is its uppermost; what it stands in waits for the rest of it",
      [mount(2, 1, "/r"), mount(3, 2, "/r/a"), mount(4, 3, "/r/a"), mount(5, 2, "/r/b")],
      [4, 5],
    ],
    [
      "leave out what a hidden mount would go along with",
      [mount(2, 1, "/r"), mount(3, 2, "/r/a/b"), mount(4, 2, "/r/a")],
      [4],
    ],
    [
      "leave out what lies behind a later mount",
      [mount(2, 1, "/r"), mount(3, 2, "/r/a"), mount(4, 2, "/r")],
      [4],
    ],
    [
      "leave out what is mounted in what lies behind",
      [mount(2, 1, "/r"), mount(3, 2, "/r/a"), mount(5, 3, "/r/a/b"), mount(4, 2, "/r")],
      [4],
    ],
    [
      "have those of a later mount that look alike",
      [mount(2, 1, "/r"), mount(3, 2, "/r/a"), mount(4, 2, "/r"), mount(5, 4, "/r/a")],
      [5, 4],
    ],
    ["may be below a path that is no mount", [mount(2, 1, "/r/a"), mount(3, 1, "/r/b/c")], [3, 2]],
    ["are none where none is mounted", [mount(2, 1, "/other")], []],
  ];
  for (const [title, mounts, expected] of rows) {
    test(title, () => assert.deepEqual(ids(reachableMounts([mount(1, 0, "/"), ...mounts], "/r")), expected));
  }
});

describe("mounts to isolate", () => {
  const host = mount(1, 0, "/", "shared:1");
  const rows: [string, MountInfo[], string[]][] = [
    [
      "are binds of a shared mount of the host with mounts in them",
      [host, mount(2, 1, "/r", "shared:1"), mount(3, 2, "/r/a", "shared:3")],
      ["/r"],
    ],
    [
      "are such binds also while they wait for a stack in them",
      [
        host,
        mount(2, 1, "/r", "shared:1"),
        mount(3, 2, "/r/a", "shared:3"),
        mount(4, 3, "/r/a", "shared:4"),
        mount(5, 2, "/r/b", "shared:5"),
      ],
      ["/r"],
    ],
    ["are none without mounts in them", [host, mount(2, 1, "/r", "shared:1")], []],
    ["are none that are private", [host, mount(2, 1, "/r"), mount(3, 2, "/r/a")], []],
    ["are none that only receive", [host, mount(2, 1, "/r", "master:1"), mount(3, 2, "/r/a")], []],
    [
      "are none whose peers are all inside",
      [host, mount(2, 1, "/r", "shared:2"), mount(3, 2, "/r/a", "shared:3")],
      [],
    ],
    [
      "are none whose peers are copies by propagation",
      [
        host,
        mount(2, 1, "/p", "shared:2"),
        mount(3, 1, "/q", "shared:2"),
        mount(4, 2, "/r", "shared:4"),
        mount(5, 3, "/q/r", "shared:4"),
        mount(6, 4, "/r/a", "shared:6"),
        mount(7, 5, "/q/r/a", "shared:6"),
      ],
      [],
    ],
  ];
  for (const [title, mounts, expected] of rows) {
    test(title, () => assert.deepEqual(mountPointsToIsolate(mounts, "/r"), expected));
  }
});

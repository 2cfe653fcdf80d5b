import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode, type StatusError } from "../../src/base/status.ts";
import { idMapsOf } from "../../src/rootfs/id-maps.ts";

describe("the options that map ids", () => {
  test("become the text of a namespace's maps", () => {
    const maps = idMapsOf({ uidmap: "0:100000:65536", gidmap: "0:5:1,1:100000:65535" });
    assert.deepEqual(maps, { uids: "0 100000 65536\n", gids: "0 5 1\n1 100000 65535\n" });
  });

  test("are none where there is neither", () => {
    assert.equal(idMapsOf({}), undefined);
  });

  const refused: [Parameters<typeof idMapsOf>[0], RegExp][] = [
    [{ uidmap: "0:1:1" }, /uidmap= without gidmap=/],
    [{ gidmap: "0:1:1" }, /gidmap= without uidmap=/],
    ...["", "0", "0:1", "0:1:1:1", "a:1:1", "0:-1:1", "0:1:0", "0:1:1,", "0:4294967295:1", " 0:1:1"].map(
      (text): [{ uidmap: string; gidmap: string }, RegExp] => [
        { uidmap: text, gidmap: "0:1:1" },
        /uidmap=.* must be container:host:count/,
      ],
    ),
  ];
  for (const [options, message] of refused) {
    test(`are refused as ${JSON.stringify(options)}`, () => {
      assert.throws(
        () => idMapsOf(options),
        (err: StatusError) => err.code === StatusCode.invalidArgument && message.test(err.message),
      );
    });
  }
});

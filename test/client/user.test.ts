import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { isById, resolveUser } from "../../src/client/user.ts";
import { status } from "../support/status.ts";

const files = {
  passwd: [
    "root:x:0:0:root:/root:/bin/sh",
    "# a comment",
    "broken:x:",
    "app:x:1000:1001:An App:/app:/bin/sh",
    "far:x:4294967295:1:::",
    "42:x:7:7:::",
    "app:x:5:5:the second of this name is none:/:/bin/sh",
  ].join("\n"),
  group: "root:x:0:\nmore:x:44:other,app\nless:x:45:apps\nagain:x:44:app\nbad:x:x:app\n\nplain:x:46:",
};

describe("a user", () => {
  const rows: [text: string, uid: number, gid: number, more?: number[]][] = [
    ["app", 1000, 1001, [44]],
    ["root", 0, 0, []],
    ["1000", 1000, 1001, [44]],
    ["1234", 1234, 0, []],
    ["42", 42, 0, []],
    ["app:less", 1000, 45],
    ["app:9", 1000, 9],
    ["3:plain", 3, 46],
    ["3:4", 3, 4],
    ["4294967294", 4294967294, 0, []],
  ];
  for (const [text, uid, gid, more] of rows) {
    test(`${text} is ${uid} of group ${gid}${more?.length ? ` and ${more}` : ""}`, () => {
      assert.deepEqual(resolveUser(text, files), {
        ...{ uid, gid },
        ...(more === undefined ? {} : { additionalGids: more }),
      });
    });
  }

  const wrong: [text: string, code: StatusCode, message: RegExp][] = [
    ["nobody", StatusCode.notFound, /no user "nobody" in the container's \/etc\/passwd/],
    ["broken", StatusCode.notFound, /no user "broken"/],
    ["far", StatusCode.notFound, /no user "far"/],
    ["app:none", StatusCode.notFound, /no group "none" in the container's \/etc\/group/],
    ["app:bad", StatusCode.notFound, /no group "bad"/],
    ["", StatusCode.invalidArgument, /user "" is not NAME/],
    ["app:", StatusCode.invalidArgument, /is not NAME/],
    [":1", StatusCode.invalidArgument, /is not NAME/],
    ["1:2:3", StatusCode.invalidArgument, /is not NAME/],
    ["4294967295", StatusCode.invalidArgument, /user 4294967295 is more than/],
    ["1:99999999999", StatusCode.invalidArgument, /group 99999999999 is more than/],
  ];
  for (const [text, code, message] of wrong) {
    test(`${JSON.stringify(text)} is nobody`, () => {
      assert.throws(() => resolveUser(text, files), status(code, message));
    });
  }

  test("of two ids needs no file", () => {
    const texts = ["1:2", "1", "a:2", "1:a"];
    assert.deepEqual(texts.map(isById), [true, false, false, false]);
  });

  test("is found in a file of a megabyte as well, and in lines of Windows", () => {
    const passwd = `${"x:x:1:1:::\n".repeat(90_000)}last:x:9:9:::\r\n`;
    assert.equal(resolveUser("last", { passwd, group: "" }).uid, 9);
  });
});

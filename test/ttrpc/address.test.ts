import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import {
  addressName,
  MAX_SOCKET_PATH,
  parseAddress,
  type SocketAddress,
  toNetPath,
} from "../../src/ttrpc/address.ts";

const good: readonly (readonly [string, SocketAddress, string])[] = [
  ["unix:///run/containerd/s/abc", { path: "/run/containerd/s/abc" }, "/run/containerd/s/abc"],
  ["unix:/run/x.sock", { path: "/run/x.sock" }, "/run/x.sock"],
  ["/run/x.sock", { path: "/run/x.sock" }, "/run/x.sock"],
  ["/run/with space/é", { path: "/run/with space/é" }, "/run/with space/é"],
  ["unix://@shim/abc", { abstract: "shim/abc" }, "\0shim/abc"],
  ["unix:@shim", { abstract: "shim" }, "\0shim"],
  ["@shim", { abstract: "shim" }, "\0shim"],
  ["@@", { abstract: "@" }, "\0@"],
];

const bad: readonly (readonly [string, string, RegExp])[] = [
  ["nothing", "", /neither a unix socket's path nor @/],
  ["a relative path", "run/x.sock", /"run\/x\.sock"/],
  ["a relative path in a url", "unix://run/x.sock", /neither/],
  ["another protocol", "tcp://127.0.0.1:80", /tcp:\/\/127\.0\.0\.1:80/],
  ["a vsock", "vsock://2:1024", /vsock/],
  ["an abstract name that is empty", "@", /empty/],
  ["a path with a zero byte", "/run/x\0y", /zero byte/],
  ["an abstract name with a zero byte", "@x\0", /zero byte/],
  [
    "a path over the limit",
    `/${"x".repeat(MAX_SOCKET_PATH)}`,
    /socket path \/x+ has 108 bytes, the limit is 107/,
  ],
  ["a path over the limit in bytes", `/${"é".repeat(54)}`, /has 109 bytes, the limit is 107/],
  ["an abstract name over the limit", `@${"x".repeat(108)}`, /socket abstract name x+ has 108 bytes/],
];

describe("parseAddress", () => {
  for (const [text, address, netPath] of good) {
    test(`reads ${text}`, () => {
      assert.deepEqual(parseAddress(text), address);
      assert.equal(toNetPath(parseAddress(text)), netPath);
      assert.deepEqual(parseAddress(addressName(address)), address);
    });
  }

  test("takes a path and a name of exactly the limit", () => {
    assert.ok(parseAddress(`/${"x".repeat(MAX_SOCKET_PATH - 1)}`));
    assert.ok(parseAddress(`@${"x".repeat(MAX_SOCKET_PATH)}`));
  });

  for (const [title, text, message] of bad) {
    test(`refuses ${title}`, () => {
      assert.throws(
        () => parseAddress(text),
        (err) => hasCode(err, StatusCode.invalidArgument) && message.test(err.message),
      );
    });
  }
});

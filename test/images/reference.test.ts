import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { parseReference } from "../../src/images/reference.ts";
import { status } from "../support/status.ts";

const HEX = "0123456789abcdef".repeat(4);
const DIGEST = `sha256:${HEX}`;

describe("a reference", () => {
  const forms: [text: string, registry: string, repository: string, version: string][] = [
    ["busybox", "docker.io", "library/busybox", ":latest"],
    ["busybox:1.36", "docker.io", "library/busybox", ":1.36"],
    ["library/busybox", "docker.io", "library/busybox", ":latest"],
    ["grafana/loki", "docker.io", "grafana/loki", ":latest"],
    ["a/b/c", "docker.io", "a/b/c", ":latest"],
    ["docker.io/busybox", "docker.io", "library/busybox", ":latest"],
    ["index.docker.io/busybox", "docker.io", "library/busybox", ":latest"],
    ["docker.io/library/busybox:latest", "docker.io", "library/busybox", ":latest"],
    ["localhost/x", "localhost", "x", ":latest"],
    ["localhost:5000/x", "localhost:5000", "x", ":latest"],
    ["localhost:5000", "docker.io", "library/localhost", ":5000"],
    ["ghcr.io/a/b:v1.2-rc_3", "ghcr.io", "a/b", ":v1.2-rc_3"],
    ["127.0.0.1:5000/a", "127.0.0.1:5000", "a", ":latest"],
    ["[::1]:5000/a:1", "[::1]:5000", "a", ":1"],
    ["Example/a", "Example", "a", ":latest"],
    ["a__b/c--d.e_f", "docker.io", "a__b/c--d.e_f", ":latest"],
    [`busybox@${DIGEST}`, "docker.io", "library/busybox", `@${DIGEST}`],
    [`ghcr.io/a:1@${DIGEST}`, "ghcr.io", "a", `:1@${DIGEST}`],
    [`x:${"t".repeat(128)}`, "docker.io", "library/x", `:${"t".repeat(128)}`],
  ];
  for (const [text, registry, repository, version] of forms) {
    test(`${text} is ${registry}/${repository}${version}`, () => {
      const reference = parseReference(text);
      assert.equal(reference.registry, registry);
      assert.equal(reference.repository, repository);
      assert.equal(reference.name, `${registry}/${repository}${version}`);
      assert.deepEqual(parseReference(reference.name), reference);
    });
  }

  test("has its tag and its digest apart", () => {
    const { tag, digest } = parseReference(`a:1@${DIGEST}`);
    assert.deepEqual([tag, digest], ["1", DIGEST]);
    assert.equal(parseReference(`a@${DIGEST}`).tag, undefined);
  });

  const bad: [text: string, problem: RegExp][] = [
    ["", /^image reference "": it is empty$/],
    ["busyBox", /"busyBox" must be in lower case$/],
    ["a/B", /"B" must be in lower case$/],
    ["a b", /has a blank in it$/],
    ["https://ghcr.io/a", /begins with a host, not with a scheme$/],
    ["a//b", /a part of its name is empty$/],
    ["/a", /a part of its name is empty$/],
    ["a/", /a part of its name is empty$/],
    [":1", /a part of its name is empty$/],
    ["..", /"\.\." is not allowed in its name/],
    ["a/../b", /"\.\." is not allowed in its name/],
    ["-a", /"-a" is not allowed in its name/],
    ["a___b", /"a___b" is not allowed in its name/],
    ["ä", /"ä" is not allowed in its name/],
    ["a:", /its tag is empty$/],
    ["a:-x", /"-x" is not allowed as its tag/],
    ["a:b:c", /"b:c" is not allowed as its tag/],
    [`a:${"t".repeat(129)}`, /is not allowed as its tag/],
    ["a@", /"" is not a digest that is known: expected sha256: and 64/],
    ["a@sha256:12", /"sha256:12" is not a digest that is known/],
    [`a@sha512:${HEX}`, /is not a digest that is known/],
    [`a@sha256:${HEX.toUpperCase()}`, /is not a digest that is known/],
    [`a@${DIGEST}@${DIGEST}`, /is not a digest that is known/],
    ["host_.io/a", /"host_\.io" is not a host$/],
    ["ghcr.io:port/a", /"ghcr\.io:port" is not a host$/],
    [HEX, /64 hexadecimal digits are a digest/],
    [`a/${"b".repeat(255)}`, /its name is longer than 255 characters$/],
  ];
  for (const [text, problem] of bad) {
    test(`is not ${JSON.stringify(text.slice(0, 40))}`, () => {
      assert.throws(() => parseReference(text), status(StatusCode.invalidArgument, problem));
    });
  }
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode } from "../../../src/base/status.ts";
import { loggerCommand } from "../../../src/shim/stdio/logger-command.ts";
import { parseStdioUri } from "../../../src/shim/stdio/stdio-uri.ts";
import { status } from "../../support/status.ts";

describe("the value of a stream", () => {
  const rows: [value: string, scheme: string, path: string][] = [
    ["/run/a/out", "fifo", "/run/a/out"],
    ["/run/a b/%00?c", "fifo", "/run/a b/%00?c"],
    ["fifo:///run/out", "fifo", "/run/out"],
    ["file:///var/log/a%20b.log", "file", "/var/log/a b.log"],
    ["FILE:///x", "file", "/x"],
    ["file:///x?y=z#w", "file", "/x"],
    ["binary:///bin/log?a=b", "binary", "/bin/log"],
    ["binary:////bin/log", "binary", "//bin/log"],
    ["binary-v2:///bin/log", "binary-v2", "/bin/log"],
  ];
  for (const [value, scheme, path] of rows) {
    test(`${value} is a ${scheme} at ${path}`, () => {
      const uri = parseStdioUri("stdout", value);
      assert.deepEqual([uri.scheme, uri.path], [scheme, path]);
    });
  }

  const wrong: [value: string, why: RegExp][] = [
    ["out", /^stdout out: not an absolute path$/],
    ["./out", /not an absolute path/],
    ["fifo://out", /^stdout fifo:\/\/out: not an absolute path$/],
    ["file://host/x", /not an absolute path/],
    ["binary://", /not an absolute path/],
    ["pipe:///x", /^stdout pipe:\/\/\/x: not one of fifo:\/\/, file:\/\/, binary:\/\/, binary-v2:\/\/$/],
    ["binary-v3:///x", /not one of/],
    ["constructor:///x", /not one of/],
    ["file:///%zz", /% is not followed/],
    ["/a\0b", /zero byte/],
    ["file:///a%00b", /zero byte/],
  ];
  for (const [value, why] of wrong) {
    test(`${JSON.stringify(value)} is refused, naming it`, () => {
      assert.throws(() => parseStdioUri("stdout", value), status(StatusCode.invalidArgument, why));
    });
  }
});

describe("the command line of a logger", () => {
  const container = { namespace: "k8s.io", id: "c1" };
  const command = (value: string) => loggerCommand(parseStdioUri("stdout", value), container);

  test("has each parameter's name and first value, in their order", () => {
    const { file, args } = command("binary:///bin/log?--tag=a%20b+c&-v=&_X=%2Frun%2Fx&--tag=second");
    assert.equal(file, "/bin/log");
    assert.deepEqual(args, ["--tag", "a b c", "-v", "", "_X", "/run/x"]);
  });

  test("has nothing in its environment but whose output it is and what `env.` names", () => {
    const { args, env } = command("binary:///bin/log?env.TOKEN=t&env.CONTAINER_ID=other&a=b");
    assert.deepEqual(args, ["a", "b"]);
    assert.deepEqual(env, { TOKEN: "t", CONTAINER_ID: "c1", CONTAINER_NAMESPACE: "k8s.io" });
  });
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { UsageError } from "../../../src/client/cli/exit-status.ts";
import {
  readCount,
  readCpus,
  readDirectory,
  readMemory,
  readSeconds,
  readSignal,
  readTime,
  readUser,
  readVariable,
  readVolume,
} from "../../../src/client/cli/values.ts";

const env = { LANG: "C", EMPTY: "" };

describe("what is typed for a flag", () => {
  const rows: [title: string, read: () => unknown, value: unknown][] = [
    ["a size in bytes", () => readMemory("8388608"), 8388608],
    ["a size with a unit", () => readMemory("64m"), 64 << 20],
    ["a size with a large unit", () => readMemory("1G"), 1 << 30],
    ["a size with a part", () => readMemory("1.5g"), 1.5 * 2 ** 30],
    ["a size with a whole unit", () => readMemory("64MiB"), 64 << 20],
    ["half a processor", () => readCpus("0.5"), 0.5],
    ["half a processor without a nought", () => readCpus(".5"), 0.5],
    ["two processors", () => readCpus("2"), 2],
    ["a variable", () => readVariable("A=b=c", env), "A=b=c"],
    ["a variable that is empty", () => readVariable("A=", env), "A="],
    ["a variable of the environment", () => readVariable("LANG", env), "LANG=C"],
    ["an empty variable of the environment", () => readVariable("EMPTY", env), "EMPTY="],
    ["a variable that is not set", () => readVariable("NOPE", env), undefined],
    ["a volume", () => readVolume("/tmp:/data"), { source: "/tmp", destination: "/data", readOnly: false }],
    [
      "a volume that is only read",
      () => readVolume("/tmp:/a/../b/:ro"),
      { source: "/tmp", destination: "/b/", readOnly: true },
    ],
    [
      "a volume by a relative path",
      () => readVolume(".:/data:rw"),
      { source: process.cwd(), destination: "/data", readOnly: false },
    ],
    ["a signal's name", () => readSignal("-s", "TERM"), 15],
    ["a signal's whole name, in small letters", () => readSignal("-s", "sigkill"), 9],
    ["a signal's number", () => readSignal("-s", "1"), 1],
    ["seconds", () => readSeconds("-t", "10"), 10_000],
    ["a part of a second", () => readSeconds("-t", "0.25"), 250],
    ["no second at all", () => readSeconds("-t", "0"), 0],
    ["an age", () => readTime("--since", "10m", 1_000_000), 400_000],
    ["a time", () => readTime("--since", "1970-01-01T00:00:05Z"), 5_000],
    ["a count", () => readCount("--tail", "3"), 3],
    ["all of them", () => readCount("--tail", "all"), undefined],
    ["a user's name", () => readUser("app"), "app"],
    ["a user and a group by numbers", () => readUser("1000:50"), "1000:50"],
    ["a directory", () => readDirectory("--cwd", "/tmp"), "/tmp"],
  ];
  for (const [title, read, value] of rows) {
    test(`may be ${title}`, () => assert.deepEqual(read(), value));
  }

  const wrong: [read: () => unknown, message: RegExp][] = [
    [() => readMemory("lots"), /^--memory takes a size such as 64m or 1g, not "lots"$/],
    [() => readMemory("-1"), /^--memory takes a size/],
    [() => readMemory("64x"), /^--memory takes a size/],
    [() => readMemory(""), /^--memory takes a size/],
    [() => readMemory("99999999t"), /^--memory takes a size/],
    [() => readMemory("1k"), /^--memory takes at least 4m, not "1k"$/],
    [() => readCpus("0"), /^--cpus takes a number such as 0.5 or 2/],
    [() => readCpus("1e3"), /^--cpus takes/],
    [() => readCpus("-1"), /^--cpus takes/],
    [() => readCpus("99999999999999999999"), /^--cpus takes 65536 at most/],
    [() => readVariable("=x", env), /^--env takes NAME=VALUE or NAME, not "=x"$/],
    [() => readVariable("", env), /^--env takes/],
    [() => readVolume("/tmp"), /^--volume takes SOURCE:DESTINATION\[:ro\]/],
    [() => readVolume("/tmp:data"), /^--volume takes/],
    [() => readVolume("/tmp:/data:rx"), /^--volume takes/],
    [() => readVolume("/tmp:/data:ro:z"), /^--volume takes/],
    [() => readVolume("/tmp:/a/.."), /^--volume takes a path below \/ in the container/],
    [() => readVolume("/no/where:/data"), /^--volume: \/no\/where does not exist$/],
    [
      () => readSignal("--signal", "NOPE"),
      /^--signal takes a signal such as TERM, SIGKILL or 9, not "NOPE"$/,
    ],
    [() => readSignal("--signal", "0"), /^--signal takes/],
    [() => readSignal("--signal", "65"), /^--signal takes/],
    [() => readSeconds("--time", "-1"), /^--time takes a number of seconds, not "-1"$/],
    [() => readSeconds("--time", "soon"), /^--time takes/],
    [
      () => readTime("--since", "lately"),
      /^--since takes an age such as 10m, or a time such as .*, not "lately"$/,
    ],
    [() => readCount("--tail", "few"), /^--tail takes a whole number or all, not "few"$/],
    [() => readUser("a:b:c"), /^--user takes NAME\[:GROUP\] or UID\[:GID\], not "a:b:c"$/],
    [() => readUser(":1"), /^--user takes/],
    [() => readDirectory("--cwd", "tmp"), /^--cwd must be an absolute path in the container, not "tmp"$/],
  ];
  for (const [read, message] of wrong) {
    test(`is refused where ${message.source}`, () => {
      assert.throws(read, (error) => error instanceof UsageError && message.test(error.message));
    });
  }
});

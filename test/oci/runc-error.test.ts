import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusCode, statusCodeName } from "../../src/base/status.ts";
import type { CommandResult } from "../../src/oci/command.ts";
import { codeOfRuncText, type RuncCommand, readLogErrors, runcError } from "../../src/oci/runc-error.ts";
import { withTempDir } from "../support/files.ts";
import { readFailures } from "./helpers.ts";

const { unknown, notFound, alreadyExists, failedPrecondition, invalidArgument, unimplemented } = StatusCode;

/** What each recorded failure of a real runtime is translated into; a failure missing here fails a test. */
const EXPECTED: Readonly<Record<string, Readonly<Record<string, StatusCode>>>> = {
  "runc-1.1.5": {
    "create-binary-not-in-path": unknown,
    "create-binary-missing": unknown,
    "create-binary-not-executable": unknown,
    "create-rootfs-missing": unknown,
    "create-mount-source-missing": unknown,
    "create-namespace-missing": unknown,
    "create-config-garbage": unknown,
    "create-config-missing": unknown,
    "create-twice": alreadyExists,
    "kill-bad-signal": invalidArgument,
    "start-twice": failedPrecondition,
    "resume-running": failedPrecondition,
    "pause-twice": failedPrecondition,
    "exec-paused": failedPrecondition,
    "exec-binary-missing": unknown,
    "delete-running": failedPrecondition,
    "update-empty": unknown,
    checkpoint: unknown,
    "kill-stopped": notFound,
    "start-stopped": failedPrecondition,
    "pause-stopped": failedPrecondition,
    "resume-stopped": failedPrecondition,
    "exec-stopped": failedPrecondition,
    "update-stopped": notFound,
    "state-missing": notFound,
    "start-missing": notFound,
    "kill-missing": notFound,
    "delete-missing": notFound,
    "pause-missing": notFound,
    "resume-missing": notFound,
    "ps-missing": notFound,
    "exec-missing": notFound,
    "update-missing": notFound,
    "unknown-command": unimplemented,
  },
  "crun-1.8.1": {
    features: unimplemented,
    "create-binary-not-in-path": unknown,
    "create-binary-missing": unknown,
    "create-binary-not-executable": unknown,
    "create-rootfs-missing": unknown,
    "create-mount-source-missing": unknown,
    "create-namespace-missing": unknown,
    "create-config-garbage": unknown,
    "create-config-missing": unknown,
    "create-twice": alreadyExists,
    "kill-bad-signal": invalidArgument,
    "start-twice": failedPrecondition,
    stats: unimplemented,
    "exec-paused": failedPrecondition,
    "exec-binary-missing": unknown,
    "delete-running": failedPrecondition,
    "update-empty": unknown,
    checkpoint: unimplemented,
    "kill-stopped": notFound,
    "start-stopped": failedPrecondition,
    "pause-stopped": failedPrecondition,
    "resume-stopped": failedPrecondition,
    "exec-stopped": failedPrecondition,
    "state-missing": notFound,
    "start-missing": notFound,
    "kill-missing": notFound,
    "delete-missing": notFound,
    "pause-missing": notFound,
    "resume-missing": notFound,
    "ps-missing": notFound,
    "exec-missing": notFound,
    "update-missing": notFound,
    "unknown-command": unimplemented,
  },
};

function result(stderr: string, ending: Partial<CommandResult> = {}): CommandResult {
  const empty = { text: "", truncated: false };
  return {
    file: "runc",
    args: [],
    pid: 1,
    exitCode: 1,
    signal: undefined,
    durationMs: 1,
    stdout: empty,
    stderr: { text: stderr, truncated: false },
    timedOut: false,
    ...ending,
  };
}

for (const [runtime, expected] of Object.entries(EXPECTED)) {
  describe(`what ${runtime} was recorded to say`, () => {
    const failures = readFailures(runtime);

    test("has a row for each failure, and no more", () => {
      assert.deepEqual(failures.map(({ name }) => name).sort(), Object.keys(expected).sort());
    });

    for (const { name, args, stderr, log } of failures) {
      const code = expected[name] ?? StatusCode.ok;
      const command = args[0] as RuncCommand;
      test(`on ${name} is ${statusCodeName(code)}, from the log and stderr as from either alone`, async () => {
        await withTempDir((dir) => {
          const file = path.join(dir, "log.json");
          fs.writeFileSync(file, log.map((line) => `${line}\n`).join(""));
          const logErrors = readLogErrors(file, 0);
          const errors = [runcError({ command, id: "c1", result: result(stderr), logErrors })];
          errors.push(runcError({ command, id: "c1", result: result(stderr), logErrors: [] }));
          // A few commands of crun log nothing.
          if (log.length > 0) errors.push(runcError({ command, id: "c1", result: result(""), logErrors }));
          for (const error of errors) {
            assert.equal(error.code, code, error.message);
            assert.ok(error.message.startsWith(`OCI runtime ${command} failed: `), error.message);
            assert.ok(error.message.includes(stderr.trim().split("\n")[0] ?? "?"), error.message);
          }
        });
      });
    }
  });
}

describe("text of other versions of a runtime", () => {
  const rows: [RuncCommand, string, StatusCode][] = [
    ["create", "container with id exists: c1", alreadyExists],
    ["create", "runc run failed: container with given ID already exists", alreadyExists],
    ["delete", 'container "c1" does not exist', notFound],
    ["state", "container with id does not exist", notFound],
    ["kill", "os: process already finished", notFound],
    ["kill", "unable to signal init: no such process", notFound],
    ["kill", "No Such Process", notFound],
    ["kill", "the cgroup of the container does not exist", notFound],
    ["start", "container process is not running", failedPrecondition],
    ["kill", "unknown signal FOO", invalidArgument],
    ["features", 'No help topic for "features"', unimplemented],
  ];
  for (const [command, text, code] of rows) {
    test(`${command}: ${text}`, () => assert.equal(codeOfRuncText(command, text), code));
  }
});

describe("text about something else is not taken for text about the container:", () => {
  const rows: [RuncCommand, string][] = [
    ["create", "runc create failed: path /run/netns/x does not exist"],
    ["create", "runc create failed: unable to start: hook says container not running"],
    ["create", "runc create failed: kill: no such process"],
    ["create", "open `/var/lib/data`: No such file or directory"],
    ["exec", "exec failed: exec: the user does not exist"],
    ["delete", "unable to remove cgroup: device or resource busy"],
    ["state", ""],
    ["start", "create failed: container with id exists"],
  ];
  for (const [command, text] of rows) {
    test(`${command}: ${text}`, () => assert.equal(codeOfRuncText(command, text), unknown));
  }
});

const line = (level: string, msg: string) =>
  `${JSON.stringify({ level, msg, time: "2026-01-01T00:00:00Z" })}\n`;

describe("the log", () => {
  const read = (text: string, offset = 0) =>
    withTempDir((dir) => {
      const file = path.join(dir, "log.json");
      fs.writeFileSync(file, text);
      return readLogErrors(file, offset);
    });

  test("gives the errors in their order and passes over what is less", async () => {
    const text =
      line("error", "one") + line("warning", "two") + line("info", "three") + line("fatal", "four");
    assert.deepEqual(await read(text), ["one", "four"]);
  });

  test("gives no line of an earlier command", async () => {
    const before = line("error", "stale");
    assert.deepEqual(await read(before + line("error", "fresh"), before.length), ["fresh"]);
    assert.deepEqual(await read(before, before.length), []);
  });

  test("is read from its beginning where it has become shorter", async () => {
    assert.deepEqual(await read(line("error", "after the rotation"), 100_000), ["after the rotation"]);
  });

  test("is read at its end where it is long", async () => {
    const noise = line("debug", "x".repeat(1_000)).repeat(1_000);
    assert.deepEqual(await read(line("error", "far back") + noise + line("error", "last")), ["last"]);
  });

  const garbage = [
    "",
    "\n\n",
    "not JSON\n",
    "{broken\n",
    "[]\n",
    "null\n",
    '"text"\n',
    '{"level":"error"}\n',
  ];
  garbage.push(
    '{"level":"error","msg":7}\n',
    '{"level":3,"msg":"x"}\n',
    '{"level":"error","msg":"  "}\n',
    "\0\0\0\n",
  );
  for (const text of garbage) {
    test(`passes over ${JSON.stringify(text)}`, async () => {
      assert.deepEqual(await read(text + line("error", "good")), ["good"]);
    });
  }

  test("may end in the middle of a line", async () => {
    assert.deepEqual(await read(`${line("error", "whole")}{"level":"error","ms`), ["whole"]);
  });

  test("may be missing or no file", async () => {
    assert.deepEqual(readLogErrors("/nosuchdir/log.json", 0), []);
    await withTempDir((dir) => assert.deepEqual(readLogErrors(dir, 0), []));
  });
});

describe("the error of a failed command", () => {
  test("takes the log's last line where stderr belongs to the container", () => {
    const logErrors = ["container still running", "CRIU version check failed"];
    const error = runcError({ command: "checkpoint", result: result(""), logErrors });
    assert.equal(error.message, "OCI runtime checkpoint failed: CRIU version check failed");
  });

  test("does not take a line that another command logged at the same time", () => {
    const logErrors = ["container does not exist", "cannot start an already running container"];
    const error = runcError({
      command: "state",
      id: "c1",
      result: result("container does not exist\n"),
      logErrors,
    });
    assert.equal(error.code, notFound);
    assert.equal(error.message, "OCI runtime state failed: container does not exist (container c1)");
  });

  test("names the container only where the text does not, and not where something was to be made", () => {
    const messageOf = (command: RuncCommand, said: string) =>
      runcError({ command, id: "c1", result: result(said), logErrors: [] }).message;
    const stderr = "cannot delete container c1 that is not stopped: running";
    assert.equal(messageOf("delete", stderr), `OCI runtime delete failed: ${stderr}`);
    assert.equal(messageOf("delete", "no"), "OCI runtime delete failed: no (container c1)");
    for (const command of ["create", "exec"] as const) {
      assert.equal(messageOf(command, "no"), `OCI runtime ${command} failed: no`);
    }
  });

  test("says how a runtime ended that said nothing", () => {
    const exited = runcError({
      command: "start",
      id: "c1",
      result: result("", { exitCode: 3 }),
      logErrors: [],
    });
    const ending = { exitCode: undefined, signal: "SIGSEGV" } as const;
    const killed = runcError({ command: "ps", id: "c1", result: result(" \n", ending), logErrors: [] });
    assert.equal(
      exited.message,
      "OCI runtime start failed: runc ended with exit status 3 and said nothing (container c1)",
    );
    assert.equal(
      killed.message,
      "OCI runtime ps failed: runc ended with SIGSEGV and said nothing (container c1)",
    );
    assert.equal(killed.code, unknown);
  });

  test("is bounded", () => {
    const error = runcError({ command: "start", result: result("x".repeat(1_000_000)), logErrors: [] });
    assert.ok(error.message.length < 5_000);
  });

  test("keeps the text by which clients know a missing program", () => {
    const failure = readFailures("runc-1.1.5").find(({ name }) => name === "create-binary-not-in-path");
    const error = runcError({ command: "create", result: result(failure?.stderr ?? ""), logErrors: [] });
    assert.match(error.message, /exec: "nosuchprogram": executable file not found in \$PATH/);
  });
});

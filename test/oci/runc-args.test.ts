import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { checkId } from "../../src/oci/id.ts";
import * as argv from "../../src/oci/runc-args.ts";
import { status } from "../support/status.ts";
import { noContainersReason } from "./helpers.ts";

describe("a command line is what the runtime expects:", () => {
  const rows: [string, string[], string][] = [
    ["no global options", argv.globalArgs({}), ""],
    ["a root", argv.globalArgs({ root: "/r" }), "--root /r"],
    ["a log, as JSON", argv.globalArgs({ log: "/l" }), "--log /l --log-format json"],
    [
      "all global options",
      argv.globalArgs({ root: "/r", log: "/l", debug: true, systemdCgroup: true, rootless: "auto" }),
      "--root /r --log /l --log-format json --debug --systemd-cgroup --rootless auto",
    ],
    ["global options turned off", argv.globalArgs({ debug: false, systemdCgroup: false }), ""],
    [
      "rootless turned off, which is not the default",
      argv.globalArgs({ rootless: false }),
      "--rootless false",
    ],
    ["create", argv.createArgs("c", { bundle: "/b" }), "create --bundle /b c"],
    [
      "create with all",
      argv.createArgs("c", {
        bundle: "/b",
        pidFile: "/p",
        consoleSocket: "/s",
        noPivot: true,
        noNewKeyring: true,
        preserveFds: 2,
      }),
      "create --bundle /b --pid-file /p --console-socket /s --no-pivot --no-new-keyring --preserve-fds 2 c",
    ],
    [
      "create with all turned off",
      argv.createArgs("c", { bundle: "/b", noPivot: false, noNewKeyring: false }),
      "create --bundle /b c",
    ],
    ["start", argv.startArgs("c"), "start c"],
    ["run", argv.runArgs("c", { bundle: "/b" }), "run --bundle /b c"],
    [
      "run detached",
      argv.runArgs("c", { bundle: "/b", detach: true, noSubreaper: true }),
      "run --bundle /b --detach --no-subreaper c",
    ],
    ["kill", argv.killArgs("c", 15), "kill c 15"],
    ["kill all", argv.killArgs("c", 9, { all: true }), "kill --all c 9"],
    ["kill the init alone", argv.killArgs("c", 64, { all: false }), "kill c 64"],
    ["delete", argv.deleteArgs("c"), "delete c"],
    ["delete by force", argv.deleteArgs("c", { force: true }), "delete --force c"],
    ["state", argv.stateArgs("c"), "state c"],
    ["list", argv.listArgs(), "list --format json"],
    ["ps", argv.psArgs("c"), "ps --format json c"],
    ["pause", argv.pauseArgs("c"), "pause c"],
    ["resume", argv.resumeArgs("c"), "resume c"],
    ["update from stdin", argv.updateArgs("c", { resources: "-" }), "update --resources - c"],
    ["exec", argv.execArgs("c", { process: "/p.json" }), "exec --process /p.json c"],
    [
      "exec with all",
      argv.execArgs("c", {
        process: "/p.json",
        pidFile: "/p",
        consoleSocket: "/s",
        detach: true,
        preserveFds: 1,
      }),
      "exec --process /p.json --console-socket /s --detach --pid-file /p --preserve-fds 1 c",
    ],
    ["checkpoint", argv.checkpointArgs("c", { imagePath: "/i" }), "checkpoint --image-path /i c"],
    [
      "checkpoint with all",
      argv.checkpointArgs("c", {
        imagePath: "/i",
        workPath: "/w",
        parentPath: "/o",
        leaveRunning: true,
        tcpEstablished: true,
        externalUnixSockets: true,
        shellJob: true,
        fileLocks: true,
        manageCgroupsMode: "soft",
        emptyNamespaces: ["network", "ipc"],
      }),
      "checkpoint --image-path /i --work-path /w --tcp-established --ext-unix-sk --shell-job --file-locks " +
        "--manage-cgroups-mode soft --empty-ns network --empty-ns ipc --parent-path /o --leave-running c",
    ],
    [
      "restore with all",
      argv.restoreArgs("c", {
        bundle: "/b",
        pidFile: "/p",
        imagePath: "/i",
        detach: true,
        noSubreaper: true,
        noPivot: true,
      }),
      "restore --bundle /b --pid-file /p --no-pivot --image-path /i --detach --no-subreaper c",
    ],
    ["stats", argv.statsArgs("c"), "events --stats c"],
    ["features", argv.featuresArgs(), "features"],
    ["version", argv.versionArgs(), "--version"],
  ];
  for (const [title, args, line] of rows) {
    test(title, () => assert.equal(args.join(" "), line));
  }

  test("a value with spaces stays one argument", () => {
    assert.deepEqual(argv.createArgs("c", { bundle: "/a b" }), ["create", "--bundle", "/a b", "c"]);
  });
});

describe("an id that is allowed:", () => {
  const ids = ["a", "0", "A9", "my-container", "a.b_c-d", "a-1.2_3", "x".repeat(76)];
  for (const id of ids) test(id, () => assert.equal(checkId(id), id));
});

describe("an id that is refused:", () => {
  const ids = [
    ...["", ".", "..", "../x", "a/b", "/a", "a/", "a..b", "a--b", "a._b", "-a", "a-", ".a", "_a", "a."],
    ...["a b", " a", "a\n", "a\0b", "ä", "a:b", "a@b", "--help", "x".repeat(77), `${"x".repeat(1_000)}`],
  ];
  for (const id of ids) {
    test(JSON.stringify(id.slice(0, 80)), () => {
      assert.throws(
        () => checkId(id),
        status(StatusCode.invalidArgument, /^id ".*" is not allowed: letters/),
      );
    });
  }
});

test("no command line is built for an id that is refused", () => {
  const id = "../other";
  const builders: (() => string[])[] = [
    () => argv.createArgs(id, { bundle: "/b" }),
    () => argv.startArgs(id),
    () => argv.runArgs(id, { bundle: "/b" }),
    () => argv.killArgs(id, 9),
    () => argv.deleteArgs(id),
    () => argv.stateArgs(id),
    () => argv.psArgs(id),
    () => argv.pauseArgs(id),
    () => argv.resumeArgs(id),
    () => argv.updateArgs(id, { resources: "-" }),
    () => argv.execArgs(id, { process: "/p" }),
    () => argv.checkpointArgs(id, { imagePath: "/i" }),
    () => argv.restoreArgs(id, { imagePath: "/i", bundle: "/b" }),
    () => argv.statsArgs(id),
  ];
  for (const build of builders) assert.throws(build, status(StatusCode.invalidArgument, /"\.\.\/other"/));
});

describe("a signal that is refused:", () => {
  for (const signal of [0, -9, 65, 1.5, Number.NaN, Infinity]) {
    test(String(signal), () => {
      const expected = status(StatusCode.invalidArgument, /^signal .* for c is not one of 1 to 64$/);
      assert.throws(() => argv.killArgs("c", signal), expected);
    });
  }
});

describe("the real runtime knows every option that a builder writes:", () => {
  const all: Readonly<Record<string, string[]>> = {
    create: argv.createArgs("c", {
      bundle: "/b",
      pidFile: "/p",
      consoleSocket: "/s",
      noPivot: true,
      noNewKeyring: true,
      preserveFds: 1,
    }),
    run: argv.runArgs("c", { bundle: "/b", detach: true, noSubreaper: true }),
    kill: argv.killArgs("c", 9, { all: true }),
    delete: argv.deleteArgs("c", { force: true }),
    list: argv.listArgs(),
    ps: argv.psArgs("c"),
    update: argv.updateArgs("c", { resources: "-" }),
    exec: argv.execArgs("c", {
      process: "/p",
      pidFile: "/p",
      consoleSocket: "/s",
      detach: true,
      preserveFds: 1,
    }),
    checkpoint: argv.checkpointArgs("c", {
      imagePath: "/i",
      workPath: "/w",
      parentPath: "/o",
      leaveRunning: true,
      tcpEstablished: true,
      externalUnixSockets: true,
      shellJob: true,
      fileLocks: true,
      manageCgroupsMode: "soft",
      emptyNamespaces: ["ipc"],
    }),
    restore: argv.restoreArgs("c", {
      bundle: "/b",
      pidFile: "/p",
      imagePath: "/i",
      detach: true,
      noSubreaper: true,
      noPivot: true,
    }),
    events: argv.statsArgs("c"),
  };
  /** What crun 1.8 was built without. */
  const missing: Readonly<Record<string, readonly string[]>> = {
    crun: ["checkpoint", "restore", "events"],
    runc: [],
  };
  for (const runtime of ["runc", "crun"]) {
    for (const [command, args] of Object.entries(all)) {
      if (missing[runtime]?.includes(command)) continue;
      test(`${runtime} ${command}`, { skip: noContainersReason(runtime) }, () => {
        const { stdout } = spawnSync(runtime, [command, "--help"], { encoding: "utf8" });
        const known = new Set(stdout.match(/--[a-z][a-z-]*/g));
        for (const option of args.filter((arg) => arg.startsWith("--"))) {
          assert.ok(known.has(option), `${option} is not in the help`);
        }
      });
    }
    test(`${runtime}'s global options`, { skip: noContainersReason(runtime) }, () => {
      const { stdout } = spawnSync(runtime, ["--help"], { encoding: "utf8" });
      const every = { root: "/r", log: "/l", debug: true, systemdCgroup: true, rootless: true };
      for (const option of argv.globalArgs(every).filter((arg) => arg.startsWith("--"))) {
        assert.ok(stdout.includes(option), `${option} is not in the help`);
      }
    });
  }
});

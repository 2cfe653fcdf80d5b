import assert from "node:assert/strict";
import path from "node:path";
import { describe, test } from "node:test";
import { UsageError } from "../../../src/client/cli/exit-status.ts";
import { checkRun, containerOf, type RunFlags } from "../../../src/client/cli/run-options.ts";
import { stateDir } from "../../../src/client/cli/state-dir.ts";
import type { ReadyImage } from "../../../src/client/images.ts";
import { script } from "../../support/files.ts";
import { scratchDir } from "../support.ts";

const dir = scratchDir();
const shim = script(dir, "shim", "exit 0");
const good: RunFlags = { rootfs: dir, runtime: shim };

/** The container of these flags and words; `image` is what the image says, where there is one. */
function made(flags: Partial<RunFlags>, words: string[], image?: Partial<ReadyImage["config"]>) {
  if (image === undefined) return containerOf(checkRun({ ...good, ...flags }, words), undefined);
  const none = { entrypoint: [], cmd: [], env: [], workingDir: "/", user: "", stopSignal: "" };
  const config = { ...none, ...image };
  const ready = {
    reference: "docker.io/library/x:latest",
    digest: "sha256:0",
    config,
    lowerDirs: ["/b", "/a"],
  };
  return containerOf(checkRun({ runtime: shim, ...flags }, ["x", ...words]), ready);
}

describe("a container of a directory", () => {
  test("has defaults", () => {
    const { id, createdAt, ...rest } = made({}, ["true"]);
    assert.match(id, /^ebb-[0-9a-f]{8}$/);
    assert.ok(Math.abs(Date.parse(createdAt) - Date.now()) < 60_000);
    assert.deepEqual(rest, {
      ...{ runtime: shim, lowerDirs: [dir], args: ["true"], env: [], cwd: "/", mounts: [] },
      ...{ readOnly: false, terminal: false, network: "none", autoRemove: false, logged: false },
    });
  });

  test("has what the flags say", () => {
    const flags: Partial<RunFlags> = {
      ...{ name: "web", hostname: "w-1.example", user: "app:app", env: ["A=1", "B=2"], cwd: "/srv" },
      ...{ volume: [`${dir}:/data:ro`], memory: "64m", cpus: "0.5", readOnly: true, net: "host" },
      ...{ rm: true, detach: true, tty: true, release: "strict" },
    };
    const { createdAt: _, ...rest } = made(flags, ["ls", "-l"]);
    assert.deepEqual(rest, {
      ...{ id: "web", hostname: "w-1.example", user: "app:app", env: ["A=1", "B=2"], cwd: "/srv" },
      mounts: [{ source: dir, destination: "/data", readOnly: true }],
      ...{ memoryBytes: 64 << 20, cpus: 0.5, readOnly: true, network: "host", autoRemove: true },
      ...{
        logged: true,
        terminal: true,
        releaseMode: "strict",
        runtime: shim,
        lowerDirs: [dir],
        args: ["ls", "-l"],
      },
    });
  });

  test("gets another random id each time", () => {
    assert.notEqual(made({}, ["true"]).id, made({}, ["true"]).id);
  });

  test("may be told by a relative path", () => {
    assert.deepEqual(made({ rootfs: path.relative(process.cwd(), dir) }, ["true"]).lowerDirs, [dir]);
  });
});

describe("a container of an image", () => {
  const settings = { env: ["A=image", "C=3"], workingDir: "/app", user: "app", stopSignal: "SIGQUIT" };

  const commands: [title: string, image: Partial<ReadyImage["config"]>, words: string[], args: string[]][] = [
    ["runs its command", { cmd: ["sh", "-i"] }, [], ["sh", "-i"]],
    ["runs another command in place of its own", { cmd: ["sh", "-i"] }, ["ls"], ["ls"]],
    [
      "hands its command to its entry point",
      { entrypoint: ["/init", "--"], cmd: ["sh"] },
      [],
      ["/init", "--", "sh"],
    ],
    [
      "hands another command to its entry point",
      { entrypoint: ["/init"], cmd: ["sh"] },
      ["ls"],
      ["/init", "ls"],
    ],
    ["runs an entry point alone", { entrypoint: ["/init"] }, [], ["/init"]],
  ];
  for (const [title, image, words, args] of commands) {
    test(title, () => assert.deepEqual(made({}, words, image).args, args));
  }

  test("has the image's settings", () => {
    const { env, cwd, user, stopSignal, image, lowerDirs } = made({}, ["sh"], settings);
    assert.deepEqual([env, cwd, user, stopSignal], [["A=image", "C=3"], "/app", "app", "SIGQUIT"]);
    assert.deepEqual([image, lowerDirs], ["docker.io/library/x:latest", ["/b", "/a"]]);
  });

  test("has the flags' settings before the image's", () => {
    const { env, cwd, user } = made({ env: ["A=flag"], cwd: "/", user: "0" }, ["sh"], settings);
    assert.deepEqual([env, cwd, user], [["A=image", "C=3", "A=flag"], "/", "0"]);
  });

  test("is refused where nobody says what to run", () => {
    assert.throws(() => made({}, [], {}), /docker.io\/library\/x:latest names no command/);
  });
});

describe("the flags of ebb run", () => {
  const wrong: [title: string, flags: Partial<RunFlags>, message: RegExp][] = [
    ["a rootfs that does not exist", { rootfs: "/no/where" }, /^--rootfs \/no\/where does not exist/],
    ["a rootfs that is a file", { rootfs: shim }, /^--rootfs .* is no directory/],
    ["a shim that is not installed", { runtime: "io.containerd.none.v2" }, /^--runtime: .*none/],
    ["a runtime that is no name", { runtime: "a b" }, /^--runtime: /],
    ["a name that is no identifier", { name: "../x" }, /^--name: .*"\.\.\/x"/],
    ["an empty name", { name: "" }, /^--name: /],
    ["a variable without a name", { env: ["A=1", "=1"] }, /^--env takes NAME=VALUE or NAME, not "=1"/],
    ["a relative working directory", { cwd: "tmp" }, /^--cwd must be an absolute path/],
    ["a volume without a destination", { volume: ["/tmp"] }, /^--volume takes/],
    ["memory that is no size", { memory: "much" }, /^--memory takes/],
    ["processors that are no number", { cpus: "all" }, /^--cpus takes/],
    ["a host name with blanks", { hostname: "a b" }, /^--hostname takes/],
    ["keys for what runs by itself", { detach: true, interactive: true }, /^--interactive has no meaning/],
  ];
  for (const [title, flags, message] of wrong) {
    test(`are refused by name for ${title}`, () => {
      const thrown = (error: unknown) => error instanceof UsageError && message.test(error.message);
      assert.throws(() => checkRun({ ...good, ...flags }, ["true"]), thrown);
    });
  }

  const words: [title: string, flags: Partial<RunFlags>, words: string[], message: RegExp][] = [
    ["no image", { runtime: shim }, [], /^an image or --rootfs is missing$/],
    ["no command for a directory", good, [], /^the command for --rootfs is missing$/],
    ["a flag that is none", good, ["--nope"], /^unknown option --nope$/],
  ];
  for (const [title, flags, given, message] of words) {
    test(`are refused for ${title}`, () => {
      const thrown = (error: unknown) => error instanceof UsageError && message.test(error.message);
      assert.throws(() => checkRun(flags as RunFlags, given), thrown);
    });
  }
});

describe("the state directory", () => {
  test("is /run/ebb unless EBB_STATE names another", () => {
    assert.equal(stateDir({}), "/run/ebb");
    assert.equal(stateDir({ EBB_STATE: "" }), "/run/ebb");
    assert.equal(stateDir({ EBB_STATE: "/x/y" }), "/x/y");
  });

  test("is refused where it is relative", () => {
    assert.throws(() => stateDir({ EBB_STATE: "x" }), /EBB_STATE must be an absolute path/);
  });
});

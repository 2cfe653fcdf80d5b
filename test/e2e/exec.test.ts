import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import type { CommandOptions } from "../../lab/command.ts";
import { until } from "../../lab/until.ts";
import { CONTROL, RUNTIMES } from "./runtimes.ts";
import { EXEC_ID, killContainer, type Scene, startScene, withContainer } from "./scene.ts";
import { story } from "./story.ts";

/** A process in a running container, and what whoever runs it gets to see. */
interface Row {
  readonly title: string;
  readonly args: readonly string[];
  readonly flags?: readonly string[];
  readonly input?: string;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly exitCode?: number;
}

const sh = (script: string) => ["sh", "-c", script];
const numbers = Array.from({ length: 100_000 }, (_, n) => `${n + 1}\n`).join("");

const ROWS: readonly Row[] = [
  { title: "its output", args: sh("echo out; echo err >&2"), stdout: "out\n", stderr: "err\n" },
  { title: "its exit status", args: sh("exit 3"), exitCode: 3 },
  { title: "the signal that ended it", args: sh("kill -9 $$"), exitCode: 137 },
  { title: "what it was given to read", args: sh("cat; echo end"), input: "a\nb\n", stdout: "a\nb\nend\n" },
  { title: "a large output, whole", args: ["seq", "1", "100000"], stdout: numbers },
  { title: "a large input, whole", args: ["cat"], input: numbers, stdout: numbers },
  { title: "nothing where it reads nothing", args: ["true"], input: numbers },
  { title: "its user", args: ["id", "-u"], flags: ["--user", "65534"], stdout: "65534\n" },
  { title: "its directory", args: ["pwd"], flags: ["--cwd", "/var"], stdout: "/var\n" },
];

/** What cannot be run: the process, and the reason that is told. */
const FAILURES: readonly (readonly [string, Row["args"], Row["flags"], RegExp])[] = [
  ["that is not there", ["/no/such"], [], /ctr: .*"\/no\/such".*no such file or directory/],
  ["that is nowhere in PATH", ["no-such"], [], /ctr: .*"no-such": executable file not found/],
  ["that is not executable", ["/etc/passwd"], [], /ctr: .*"\/etc\/passwd": permission denied/],
  ["in a directory that is not there", ["pwd"], ["--cwd", "/nowhere"], /ctr: .*"\/nowhere".*no such file/],
];

describe("ctr task exec", () => {
  let scene: Scene;
  before(async () => {
    if (CONTROL.skip === false) scene = await startScene();
  });
  after(() => scene?.dispose());

  function exec(id: string, execId: string, args: readonly string[], flags: readonly string[] = []) {
    return (options: CommandOptions = {}) =>
      scene.containerd.ctr(["task", "exec", "--exec-id", execId, ...flags, id, ...args], options);
  }

  function detached(id: string, execId: string, args: readonly string[]) {
    return scene.containerd.mustCtr(["task", "exec", "-d", "--exec-id", execId, id, ...args]);
  }

  for (const runtime of RUNTIMES) {
    const { skip } = runtime;
    const prefix = runtime.ours ? "ebb-exec" : "go-exec";
    const inContainer = (name: string, body: (id: string) => Promise<void>) => {
      const id = `${prefix}-${name}`;
      return withContainer(scene, { runtime, id }, () => body(id));
    };
    describe(runtime.name, () => {
      test("shows of one process after the other, under the same name, what is its own", { skip }, () =>
        inContainer("rows", async (id) => {
          for (const { title, args, flags, input, stdout = "", stderr = "", exitCode = 0 } of ROWS) {
            const seen = await exec(id, "one", args, flags)(input === undefined ? {} : { input });
            assert.deepEqual([seen.stdout, seen.stderr, seen.exitCode], [stdout, stderr, exitCode], title);
          }
        }),
      );

      test("fails for a program that cannot be run, and leaves its name to the next", { skip }, () =>
        inContainer("failures", async (id) => {
          for (const [title, args, flags, reason] of FAILURES) {
            const { stdout, stderr, exitCode } = await exec(id, "one", args, flags)();
            assert.deepEqual([stdout, exitCode], ["", 1], title);
            assert.match(stderr, reason);
          }
          assert.equal((await exec(id, "one", ["echo", "after all"])()).stdout, "after all\n");
        }),
      );

      test("runs ten at once, each with its own streams and status", { skip }, () =>
        inContainer("many", async (id) => {
          const all = Array.from({ length: 10 }, (_, n) => n);
          const run = (n: number) => exec(id, `e${n}`, sh(`cat; exit ${n}`))({ input: `${n}\n` });
          const seen = await Promise.all(all.map(run));
          assert.deepEqual(
            seen.map(({ stdout, stderr, exitCode }) => [stdout, stderr, exitCode]),
            all.map((n) => [`${n}\n`, "", n]),
          );
        }),
      );

      test("is killed by its name, while the container and the other processes run on", { skip }, () =>
        inContainer("killed", async (id) => {
          await detached(id, "other", ["sleep", "999"]);
          const run = exec(id, "one", sh("echo up; sleep 998"))();
          await scene.events.waitForExec(id, "/tasks/exec-started", "one");
          await scene.containerd.mustCtr(["task", "kill", "-s", "KILL", "--exec-id", "one", id]);
          const { stdout, exitCode } = await run;
          assert.deepEqual([stdout, exitCode], ["up\n", 137]);
          assert.deepEqual(await programs(id), ["init sleep 1000", "other sleep 999"]);
        }),
      );

      test("ends with the container, and its exit is told before the container's", { skip }, () =>
        inContainer("ended", async (id) => {
          await detached(id, "one", ["sleep", "999"]);
          await killContainer(scene.containerd, id);
          await scene.events.waitFor(id, "/tasks/exit");
          assert.deepEqual(story(scene.events, id), [
            "create init",
            "start init",
            "exec-added one",
            "exec-started one",
            "exit one 137",
            "exit init 137",
          ]);
        }),
      );

      test("refuses a name that is taken, and a process in a container that has ended", { skip }, () =>
        inContainer("refused", async (id) => {
          await detached(id, "one", ["sleep", "999"]);
          const twice = await exec(id, "one", ["true"])();
          assert.equal(twice.exitCode, 1);
          assert.match(twice.stderr, /already exists|exists already/);
          await killContainer(scene.containerd, id);
          const late = await exec(id, "late", ["true"])();
          assert.equal(late.exitCode, 1);
        }),
      );
    });
  }

  /** What `ctr task ps` lists: the name of each process, and the program that its pid runs on the host. */
  async function programs(id: string): Promise<string[]> {
    return until("a list without the runtime, which becomes the program", async () => {
      const rows = (await scene.containerd.mustCtr(["task", "ps", id])).trimEnd().split("\n").slice(1);
      const listed = rows.map((row) => {
        const [pid, info = ""] = row.split(/\s+/, 2);
        const name = EXEC_ID.exec(info)?.[1] ?? "init";
        return `${name} ${readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim()}`;
      });
      return listed.some((line) => line.includes("runc")) ? undefined : listed;
    });
  }
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { nullLogger } from "../../src/base/logger.ts";
import { StatusCode } from "../../src/base/status.ts";
import { ChildExits } from "../../src/linux/child-exits.ts";
import { errnoError } from "../../src/linux/errno.ts";
import { FakeLibc } from "./fake-libc.ts";

const src = (file: string) => fileURLToPath(new URL(`../../src/${file}`, import.meta.url));

/**
 * Runs a script in a process of its own that is a subreaper with ChildExits at work, as a shim is. In it,
 * `adopt(script)` starts a grandchild whose parent ends before the script begins (a shell waits for a child that has
 * ended before itself), and gives its pid; what it prints comes back.
 */
function asShim(body: string, straysMs = 60_000): Promise<string> {
  const script = `
    import { spawn } from "node:child_process";
    import { ChildExits } from ${JSON.stringify(src("linux/child-exits.ts"))};
    import { loadLibc } from ${JSON.stringify(src("linux/koffi-libc.ts"))};
    import { nullLogger } from ${JSON.stringify(src("base/logger.ts"))};
    import { ownChildren, readProcessStat } from ${JSON.stringify(src("linux/process-stat.ts"))};
    const libc = loadLibc();
    libc.setChildSubreaper();
    const exits = new ChildExits({ libc, logger: nullLogger, pollMs: 60_000, straysMs: ${straysMs} });
    const say = (value) => console.log(JSON.stringify(value));
    const codeOf = (call) => { try { call(); } catch (err) { return err.code; } };
    const exitOf = (child) => new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal)));
    async function adopt(script) {
      const command = 'exec 3<&0; (read end <&3; exec 3<&-; eval "$0") >/dev/null & echo $!';
      const parent = spawn("sh", ["-c", command, script], { stdio: ["pipe", "pipe", "inherit"] });
      const exited = exitOf(parent);
      const pid = Number(await new Promise((resolve) => parent.stdout.once("data", resolve)));
      await exited;
      parent.stdin.end();
      return pid;
    }
    const until = async (look) => { while (!look()) await new Promise((resolve) => setTimeout(resolve, 5)); };
    ${body}
    process.exit(0);`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
  return new Promise((resolve) => child.on("close", () => resolve(output.trim())));
}

describe("ChildExits", () => {
  const rows: [string, string, string][] = [
    [
      "tells the code of an adopted process",
      `say((await exits.watch(await adopt("sleep 0.2; exit 3"))).status);`,
      "3",
    ],
    [
      "tells the signal that ended one",
      `const pid = await adopt("exec sleep 1000"); const exit = exits.watch(pid); process.kill(pid, 9); say((await exit).status);`,
      "137",
    ],
    [
      "tells the end of one that was a zombie before it was watched",
      `const pid = await adopt("sleep 0.2; exit 4"); await until(() => readProcessStat(pid)?.state === "Z"); say((await exits.watch(pid)).status);`,
      "4",
    ],
    [
      "gives two watchers of one process the same",
      `const pid = await adopt("sleep 0.2; exit 5"); say((await Promise.all([exits.watch(pid), exits.watch(pid)])).map((e) => e.status));`,
      "[5,5]",
    ],
    [
      "loses none of 200 that end at the same time",
      `const pids = []; for (let n = 0; n < 200; n += 1) pids.push(await adopt("exec sleep 1000"));
       const all = pids.map((pid) => exits.watch(pid)); for (const pid of pids) process.kill(pid, 9);
       const statuses = (await Promise.all(all)).map((e) => e.status); say([statuses.length, [...new Set(statuses)]]);`,
      "[200,[137]]",
    ],
    [
      "waits for one that is still somebody else's child",
      `const parent = spawn("sh", ["-c", "sleep 0.3 & echo $!; sleep 0.1; exit 0"], { stdio: ["ignore", "pipe", "inherit"] });
       const pid = Number(await new Promise((resolve) => parent.stdout.once("data", resolve)));
       say((await exits.watch(pid)).status);`,
      "0",
    ],
    [
      "sends signals to the watched, until they have ended",
      `const pid = await adopt("exec sleep 1000"); const exit = exits.watch(pid); exits.signal(pid, 15);
       say([(await exit).status, codeOf(() => exits.signal(pid, 15))]);`,
      `[143,${StatusCode.notFound}]`,
    ],
    [
      "sends none to one that is still somebody else's child, who may wait for it at any time",
      `const parent = spawn("sh", ["-c", "sleep 1000 & echo $!; wait"], { stdio: ["ignore", "pipe", "inherit"] });
       const pid = Number(await new Promise((resolve) => parent.stdout.once("data", resolve)));
       const exit = exits.watch(pid); say(codeOf(() => exits.signal(pid, 15))); process.kill(pid, 9); await exit;`,
      `${StatusCode.unavailable}`,
    ],
    [
      "counts one that is not there as ended in an unknown way",
      "say((await exits.watch(4194303)).status);",
      "255",
    ],
    [
      "takes no child away from the runtime that spawned it",
      `const adopted = exits.watch(await adopt("sleep 0.2; exit 1"));
       const own = await Promise.all(Array.from({ length: 20 }, (_, n) => exitOf(spawn("sh", ["-c", "exit " + n]))));
       await adopted; say(own);`,
      JSON.stringify(Array.from({ length: 20 }, (_, n) => n)),
    ],
  ];
  for (const [title, body, expected] of rows) {
    test(title, async () => assert.equal(await asShim(body), expected));
  }

  test("clears away zombies that nobody watches", async () => {
    const body = `const pid = await adopt("sleep 0.2; exit 6"); await until(() => readProcessStat(pid) === undefined); say(ownChildren().length);`;
    assert.equal(await asShim(body, 20), "0");
  });

  test("leaves a zombie alone while a process is being made, which may be that one", async () => {
    const body = `
      const pid = await exits.making(async () => {
        const made = await adopt("exit 5");
        await until(() => readProcessStat(made)?.state === "Z");
        await exitOf(spawn("sleep", ["0.3"]));
        return made;
      });
      say((await exits.watch(pid)).status);`;
    assert.equal(await asShim(body, 20), "5");
  });

  describe("when a command that makes processes has failed", {
    skip: process.getuid?.() !== 0 && "needs root",
  }, () => {
    /** A process of ours in another pid namespace, whose parent has gone, as a runtime leaves one behind. */
    const foreign = `
      const foreign = async (script) => {
        const before = ownChildren();
        await exitOf(spawn("unshare", ["--pid", "setsid", "--fork", "sh", "-c", script], { stdio: "ignore" }));
        return ownChildren().find((pid) => !before.includes(pid));
      };
      const fail = () => exits.making(async () => { throw new Error("no"); }).catch(() => {});
      const gone = (pid) => until(() => readProcessStat(pid) === undefined);
      const ended = (pid) => until(() => readProcessStat(pid)?.state === "Z");`;
    const rows: [string, string, string][] = [
      [
        "clears away at once what it left, before and after that has ended",
        `const first = await foreign("exit 1"); await ended(first); const second = await foreign("sleep 0.2");
         await fail(); await gone(first); await gone(second); say("gone");`,
        '"gone"',
      ],
      [
        "leaves it alone while another is under way, which may watch it yet",
        `let finish; const other = exits.making(() => new Promise((resolve) => { finish = resolve; }));
         const pid = await foreign("exit 3"); await ended(pid); await fail();
         const exit = exits.watch(pid); finish(); await other; say((await exit).status);`,
        "3",
      ],
      [
        "leaves what is in its own namespace to whoever spawned it",
        `const pid = await adopt("sleep 0.2; exit 1"); await ended(pid); await fail(); say(readProcessStat(pid)?.state);`,
        '"Z"',
      ],
    ];
    for (const [title, body, expected] of rows) {
      test(title, async () => assert.equal(await asShim(`${foreign}${body}`), expected));
    }
  });

  test("knows the end of one that becomes ours between two looks", async () => {
    const libc = new FakeLibc();
    // Our own child as an adopted one: at first not found, then found to be ours, and then it has ended.
    const child = spawn("sleep", ["1000"]);
    const answers = [
      () => {
        throw errnoError("wait", 10);
      },
      () => ({ pid: child.pid ?? 0, status: 7 << 8 }),
    ];
    libc.waitpid = () => answers.shift()?.();
    const exits = new ChildExits({ libc, logger: nullLogger });
    assert.equal((await exits.watch(child.pid ?? 0)).status, 7);
    exits.close();
    child.kill("SIGKILL");
  });
});

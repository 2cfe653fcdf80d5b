import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";
import { readProcessStat } from "../../src/linux/process-stat.ts";

const skip = whyNoSlowDisk() ?? false;
const root = fileURLToPath(new URL("../..", import.meta.url));
const scratch = mkdtempSync(path.join(os.tmpdir(), "ebb-run-test-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** Test files that act, by what they do. `HERE` is a directory of their own. */
const FILES = {
  passes: `test("is fine", () => {}); test("is fine, too", () => {});`,
  fails: `test("is fine", () => {}); test("is \\"wrong\\"", () => { throw new Error("no"); });`,
  skips: `test("is fine", () => {}); test("is left out", { skip: "why" }, () => {});`,
  dies: `test("dies", () => process.kill(process.pid, "SIGKILL"));`,
  exits: `test("exits", () => process.exit(3));`,
  hangs: `test("hangs", async () => {
    process.on("SIGTERM", () => {});
    fs.writeFileSync(HERE + "/pid", String(process.pid));
    await new Promise((resolve) => setTimeout(resolve, 3_600_000));
  }, { timeout: 3_600_000 });`,
  throttles: `test("waits for a disk", async () => {
    const { makeSlowDisk } = await import(${JSON.stringify(path.join(root, "lab/slow-disk.ts"))});
    const disk = await makeSlowDisk({ size: 64 << 20 });
    disk.throttle(1);
    fs.writeFileSync(HERE + "/pid", String(process.pid));
    fs.writeFileSync(disk.mountPoint + "/data", Buffer.alloc(4 << 20, 1));
    fs.fsyncSync(fs.openSync(disk.mountPoint + "/data", "r+"));
  });`,
  spins: `test("spins", () => { for (;;); });`,
  leaves: `test("leaves a process with its output", () => {
    const { pid } = child_process.spawn("sleep", ["1000"], { stdio: "inherit" });
    fs.writeFileSync(HERE + "/pid", String(pid));
  });`,
  wavers: `test("passes the second time", () => {
    if (fs.existsSync(HERE + "/seen")) return;
    fs.writeFileSync(HERE + "/seen", "");
    throw new Error("not yet");
  });`,
} as const;

type Kind = keyof typeof FILES;

interface Run {
  readonly status: number | null;
  readonly lines: readonly string[];
  /** What the file of a test wrote into its directory. */
  pid(kind: Kind): number;
}

let runs = 0;

function start(kinds: readonly Kind[], env: NodeJS.ProcessEnv) {
  runs += 1;
  const directory = path.join(scratch, String(runs));
  const files = kinds.map((kind) => {
    const here = path.join(directory, kind);
    mkdirSync(here, { recursive: true });
    const file = path.join(here, `${kind}.test.ts`);
    const imports = ["fs", "child_process"].map((name) => `import ${name} from "node:${name}";`).join("\n");
    const text = `${imports}\nimport { test } from "node:test";\nconst HERE = ${JSON.stringify(here)};\n`;
    writeFileSync(file, `${text}${FILES[kind]}\n`);
    return file;
  });
  const settings = { ...process.env, CI: "", ...env };
  const child = spawn("node", ["scripts/test/run.mjs", ...files], { cwd: root, env: settings });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      text += String(chunk);
    });
  }
  const pid = (kind: Kind) => Number(readFileSync(path.join(directory, kind, "pid"), "utf8"));
  const ended = new Promise<Run>((resolve) =>
    child.on("close", (status) => resolve({ status, lines: text.trimEnd().split("\n"), pid })),
  );
  return { child, pid, ended };
}

function runTests(kinds: readonly Kind[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  return start(kinds, { EBB_TEST_FILE_LIMIT_S: "2", ...env }).ended;
}

function hasEnded(pid: number): true | undefined {
  return ["Z", undefined].includes(readProcessStat(pid)?.state) ? true : undefined;
}

function assertSays({ lines }: Run, what: RegExp): void {
  assert.ok(
    lines.some((line) => what.test(line)),
    `nothing like ${what} in:\n${lines.join("\n")}`,
  );
}

describe("a run of the tests", () => {
  const cases: [string, Kind[], NodeJS.ProcessEnv, number, string, RegExp][] = [
    ["passes", ["passes"], {}, 0, "2 passed, 0 failed, 0 skipped", / s {2}.*passes\.test\.ts under Bun$/],
    [
      "fails where a test does",
      ["fails"],
      {},
      1,
      "1 passed, 1 failed, 0 skipped",
      /^failed .*fails\.test\.ts: is "wrong"$/,
    ],
    [
      "passes with skips",
      ["skips"],
      {},
      0,
      "1 passed, 0 failed, 1 skipped",
      /^skipped .*skips\.test\.ts: is left out$/,
    ],
    [
      "fails with skips where CI=true",
      ["skips"],
      { CI: "true" },
      1,
      "1 passed, 0 failed, 1 skipped",
      /^a skipped test/,
    ],
    [
      "fails where a file dies",
      ["dies"],
      {},
      1,
      "0 passed, 1 failed, 0 skipped",
      /^failed .*: \(no report: ended by SIGKILL\)$/,
    ],
    [
      "fails where a file exits",
      ["exits"],
      {},
      1,
      "0 passed, 1 failed, 0 skipped",
      /^failed .*: \(no report: exit status 3\)$/,
    ],
    [
      "fails where a file never comes up for air",
      ["spins"],
      {},
      1,
      "0 passed, 1 failed, 0 skipped",
      /^process \d+: .*spins\.test\.ts$/,
    ],
    [
      "passes where a test does the second time, and names it",
      ["wavers"],
      {},
      0,
      "1 passed, 0 failed, 0 skipped",
      /^flaky .*: passes the second time$/,
    ],
    [
      "tries nothing again where much fails",
      ["wavers", "fails", "exits", "dies"],
      {},
      1,
      "1 passed, 4 failed, 0 skipped",
      /^failed .*wavers/,
    ],
  ];
  for (const [title, kinds, env, status, last, says] of cases) {
    test(title, async () => {
      const run = await runTests(kinds, env);
      assert.equal(run.lines.at(-1), last, run.lines.join("\n"));
      assert.equal(run.status, status);
      assertSays(run, says);
    });
  }

  test("kills what hangs although it ignores SIGTERM, and goes on", async () => {
    const run = await runTests(["hangs", "dies", "passes"]);
    assert.equal(run.lines.at(-1), "2 passed, 2 failed, 0 skipped", run.lines.join("\n"));
    assertSays(run, /^failed .*hangs\.test\.ts: \(no report: took longer than 2 s and was killed\)$/);
    await until("the process to end", () => hasEnded(run.pid("hangs")));
  });

  test("frees what waits for a throttled disk, and removes the disk", { skip }, async () => {
    const run = await runTests(["throttles", "passes"]);
    assert.equal(run.lines.at(-1), "2 passed, 1 failed, 0 skipped", run.lines.join("\n"));
    assertSays(run, /^ {2}waits in the kernel:$/);
    assertSays(run, /^what killed tests left: .*lifted the limit of loop\d+$/);
    await until("the process to end", () => hasEnded(run.pid("throttles")));
  });

  test("neither waits for what a test leaves nor lets it live", async () => {
    const run = await runTests(["leaves"]);
    assert.equal(run.lines.at(-1), "1 passed, 0 failed, 0 skipped");
    await until("the process to end", () => hasEnded(run.pid("leaves")));
  });

  test("has a limit as a whole, past which nothing more is run", async () => {
    const run = await runTests(["hangs", "passes"], { EBB_TEST_RUN_LIMIT_S: "1" });
    assert.equal(run.lines.at(-1), "0 passed, 2 failed, 0 skipped", run.lines.join("\n"));
    assertSays(run, /^failed .*hangs\.test\.ts: \(no report: the whole run took longer than 1 s\)$/);
    assertSays(run, /^failed .*passes\.test\.ts: \(not run: the whole run took longer than 1 s\)$/);
  });

  test("ends with everything it runs when it is told to", async () => {
    const { child, pid, ended } = start(["hangs", "passes"], {});
    const running = await until("the test to run", () => {
      try {
        return pid("hangs") || undefined;
      } catch {
        return undefined;
      }
    });
    child.kill("SIGTERM");
    const run = await ended;
    assert.equal(run.status, 1);
    assert.equal(run.lines.at(-1), "0 passed, 2 failed, 0 skipped", run.lines.join("\n"));
    await until("the process to end", () => hasEnded(running));
  });
});

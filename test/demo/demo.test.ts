import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { makeBusyboxRootfs } from "../../lab/busybox-rootfs.ts";
import { whyNoSlowDisk } from "../../lab/slow-disk.ts";
import { until } from "../../lab/until.ts";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "../..");
const shim = path.join(root, "dist/containerd-shim-ebb-v2");
const skip = whyNoSlowDisk() ?? false;

/** The demo's own temporary directory, so that what others on this machine make is no part of what it leaves. */
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-demo-test-"));
after(() => fs.rmSync(scratch, { recursive: true }));

/** Whatever the demo makes, as far as this machine shows it. */
function traces(): string[] {
  const ours = new RegExp(`${scratch}|ebb-demo-\\d`);
  const lines = [
    fs.readFileSync("/proc/self/mountinfo", "utf8"),
    spawnSync("losetup", ["-a"]).stdout.toString(),
  ];
  const cgroups = fs.readdirSync("/sys/fs/cgroup").map((name) => path.join("/sys/fs/cgroup", name));
  const names = [
    scratch,
    "/run/containerd/runc",
    ...cgroups.filter((name) => fs.statSync(name).isDirectory()),
  ]
    .filter((dir) => fs.existsSync(dir))
    .flatMap((dir) => fs.readdirSync(dir).map((name) => path.join(dir, name)))
    // What the executable copies for itself stays, to be used again.
    .filter((name) => ours.test(name) && name !== path.join(scratch, "ebb-0"));
  const processes = fs.readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && ours.test(commandLine(pid)));
  return [
    ...lines.flatMap((text) => text.split("\n")).filter((line) => ours.test(line)),
    ...names,
    ...processes,
  ];
}

function commandLine(pid: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

function startDemo(): { demo: ChildProcess; output: () => string; ended: Promise<number | null> } {
  let text = "";
  const demo = spawn(process.execPath, ["demo/main.ts"], {
    cwd: root,
    env: { ...process.env, TMPDIR: scratch },
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [demo.stdout, demo.stderr]) stream?.on("data", (chunk) => (text += String(chunk)));
  const ended = new Promise<number | null>((resolve) => demo.on("close", resolve));
  return { demo, output: () => text, ended };
}

describe("the demo", () => {
  test("shows a container's life and the slow disk, ends well and leaves nothing", { skip }, async () => {
    const before = traces();
    const { output, ended } = startDemo();
    assert.equal(await ended, 0, output());
    for (const wanted of [
      /launch .* ms/,
      /hello from first/,
      /Its exit status: 7/,
      /containerd-shim-ebb-v2 +│/,
      /nobody waited/,
    ]) {
      assert.match(output(), wanted);
    }
    assert.deepEqual(traces(), before);
  });

  /** What is to be seen before Ctrl-C is pressed, and how much the slow disk has to have begun. */
  const moments: [string, RegExp, (() => boolean) | undefined][] = [
    ["while the first container runs", /A container from launch/, undefined],
    ["while the slow disk is made", /Deleting a container with/, undefined],
    [
      "while the disk is being written",
      /Deleting a container with/,
      () => traces().some((line) => line.includes("overlay")),
    ],
  ];
  for (const [title, seen, also] of moments) {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      test(`removes everything on ${signal} ${title}`, { skip }, async () => {
        const before = traces();
        const { demo, output, ended } = startDemo();
        await until(title, () => (seen.test(output()) && (also?.() ?? true) ? true : undefined));
        demo.kill(signal);
        demo.kill(signal);
        assert.equal(await ended, signal === "SIGINT" ? 130 : 143, output());
        assert.deepEqual(traces(), before);
      });
    }
  }
});

describe("the library's example", () => {
  const example = fs.readFileSync(path.join(root, "demo/library-example.ts"), "utf8");

  test("is the one in the README", () => {
    const readme = fs.readFileSync(path.join(root, "README.md"), "utf8");
    assert.ok(
      readme.includes(`\`\`\`ts\n${example}\`\`\``),
      "README.md does not hold demo/library-example.ts",
    );
    assert.ok(example.trimEnd().split("\n").length <= 25);
  });

  test("runs a container with the shim it is given", { skip }, async () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-example-"));
    await makeBusyboxRootfs(dir);
    const { status, stdout, stderr } = spawnSync(process.execPath, ["demo/library-example.ts", shim, dir], {
      cwd: root,
    });
    fs.rmSync(dir, { recursive: true });
    fs.rmSync("/run/ebb-example", { recursive: true, force: true });
    assert.equal(status, 0, stderr.toString());
    assert.match(stdout.toString(), /hello\n[\s\S]*exit status 3\n$/);
  });
});

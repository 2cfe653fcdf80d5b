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
import { events, taskV2 } from "../../src/proto/index.ts";
import { connect, createClient, Server } from "../../src/ttrpc/index.ts";

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

/** A program that runs, and what is to be known of it. */
interface Started {
  readonly demo: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

function startDemo(env: NodeJS.ProcessEnv = {}): Started {
  return start("main.ts", [], env);
}

function startExample(file: string, ...args: string[]): Started {
  return start(file, args, {});
}

function start(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Started {
  let text = "";
  const demo = spawn(process.execPath, [path.join("demo", file), ...args], {
    cwd: root,
    env: { ...process.env, TMPDIR: scratch, ...env },
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

  test("says what strict promises where that is the mode, and ends well", { skip }, async () => {
    const { output, ended } = startDemo({ EBB_RELEASE: "strict" });
    assert.equal(await ended, 0, output());
    assert.match(output(), /In mode strict Delete answers once all is on the disk/);
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

describe("the README's examples", () => {
  const readme = fs.readFileSync(path.join(root, "README.md"), "utf8");
  const printed = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
  const files = ["library-example.ts", "ttrpc-client.ts", "ttrpc-server.ts"].map((name) =>
    path.join(root, "demo", name),
  );

  test("are files of the demo, whose types are checked with all others", () => {
    assert.deepEqual(
      printed,
      files.map((file) => fs.readFileSync(file, "utf8")),
    );
  });

  test("are short", () => {
    for (const code of printed) assert.ok(Number(code?.trimEnd().split("\n").length) <= 25);
  });

  test("run a container with the shim it is given", { skip }, async () => {
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

  test("ask a shim for a task's state, and end", async () => {
    const asked: string[] = [];
    const server = new Server().register(taskV2, {
      state: ({ id }) => {
        asked.push(id);
        return { pid: 42, status: 2 };
      },
    });
    const socket = path.join(scratch, "shim.sock");
    await server.listen({ path: socket });
    const { output, ended } = startExample("ttrpc-client.ts", `unix://${socket}`, "web");
    assert.equal(await ended, 0, output());
    assert.equal(output(), "pid 42, status 2\n");
    assert.deepEqual(asked, ["web"]);
    await server.close();
  });

  test("serve events until they are told to end", async () => {
    const socket = path.join(scratch, "events.sock");
    const { demo, output, ended } = startExample("ttrpc-server.ts", socket);
    await until("the server", () => (fs.existsSync(socket) ? true : undefined));
    const connection = await connect(socket);
    await createClient(events, connection).forward({
      envelope: { namespace: "k8s.io", topic: "/tasks/exit" },
    });
    connection.close();
    demo.kill("SIGTERM");
    assert.equal(await ended, 0, output());
    assert.equal(output(), "k8s.io: /tasks/exit\n");
  });
});

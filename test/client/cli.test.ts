import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { until } from "../../lab/until.ts";
import { installedShims, makePlace, noContainers } from "./support.ts";

const main = fileURLToPath(new URL("../../dist/lib/client/cli/main.js", import.meta.url));
const place = makePlace("ebb-cli-test");

interface Run {
  readonly child: ChildProcess;
  readonly output: () => { stdout: string; stderr: string };
  readonly ended: Promise<number | null>;
}

/** Starts the command with a state directory of its own. */
function ebb(args: readonly string[], env: NodeJS.ProcessEnv = {}): Run {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, EBB_STATE: place.stateDir, ...env },
  });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].on("data", (chunk) => (output[name] += String(chunk)));
  child.stdin.on("error", () => {});
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  return { child, output: () => output, ended };
}

async function finished(args: readonly string[], stdin = "", env: NodeJS.ProcessEnv = {}) {
  const { child, output, ended } = ebb(args, env);
  child.stdin?.end(stdin);
  return { status: await ended, ...output() };
}

for (const { name, runtime } of installedShims()) {
  const skip = noContainers;
  const ids: string[] = [];
  const flags = (title: string) => {
    const id = `${name.split("-")[2]}-${title}`;
    ids.push(id);
    return [
      "run",
      "--rootfs",
      place.rootfs,
      "--runtime",
      runtime,
      "--namespace",
      place.namespace,
      "--name",
      id,
    ];
  };

  describe(`ebb run by ${name}`, { skip }, () => {
    for (const status of [0, 3, 255]) {
      test(`has the output and the exit status ${status} of the command`, { skip }, async () => {
        const run = await finished([
          ...flags(`status-${status}`),
          "--",
          "sh",
          "-c",
          `echo out; echo err >&2; exit ${status}`,
        ]);
        assert.deepEqual(run, { status, stdout: "out\n", stderr: "err\n" });
      });
    }

    test("hands its stdin to the command, to the end", { skip }, async () => {
      const run = await finished([...flags("stdin"), "--", "sh", "-c", "cat; echo end"], "a line\n");
      assert.deepEqual(run, { status: 0, stdout: "a line\nend\n", stderr: "" });
    });

    test("carries a megabyte over unharmed", { skip }, async () => {
      const run = await finished([...flags("much"), "--", "sh", "-c", "cat | wc -c"], "x".repeat(1 << 20));
      assert.deepEqual([run.status, run.stdout.trim()], [0, String(1 << 20)]);
    });

    test("sets environment and directory, and keeps the root file system as it was", { skip }, async () => {
      const run = await finished([
        ...flags("env"),
        "--env",
        "A=b c",
        "--cwd",
        "/tmp",
        "--",
        "sh",
        "-c",
        'echo "$A $PWD"; touch /made',
      ]);
      assert.deepEqual([run.status, run.stdout], [0, "b c /tmp\n"]);
      assert.equal(existsSync(path.join(place.rootfs, "made")), false);
    });

    test("--read-only lets nothing be written", { skip }, async () => {
      const run = await finished([...flags("ro"), "--read-only", "--", "touch", "/made"]);
      assert.equal(run.status, 1);
      assert.match(run.stderr, /Read-only file system/);
    });

    test("passes Ctrl-C on to the command, which may deal with it", { skip }, async () => {
      const script = "trap 'echo caught; exit 9' INT; echo ready; while :; do usleep 10000; done";
      const { child, output, ended } = ebb([...flags("int"), "--", "sh", "-c", script]);
      await until("the command", () => (output().stdout.includes("ready") ? true : undefined));
      child.kill("SIGINT");
      assert.equal(await ended, 9);
      assert.equal(output().stdout, "ready\ncaught\n");
    });

    test("ends a command that ignores Ctrl-C by the third", { skip }, async () => {
      const script = "trap '' INT; echo ready; while :; do usleep 10000; done";
      const { child, output, ended } = ebb([...flags("stubborn"), "--", "sh", "-c", script]);
      await until("the command", () => (output().stdout.includes("ready") ? true : undefined));
      for (let n = 0; n < 3; n += 1) {
        child.kill("SIGINT");
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      assert.equal(await ended, 137);
    });

    test("tells a command that is not there from a failure of its own, and leaves nothing", {
      skip,
    }, async () => {
      const run = await finished([...flags("missing"), "--", "/no/such/program"]);
      assert.equal(run.status, 127);
      assert.match(run.stderr, /ebb: .*no such file or directory/);
      assert.deepEqual(await place.leftovers(ids), []);
    });
  });
}

describe("the command line", { skip: noContainers }, () => {
  const rows: [string, string[], RegExp][] = [
    ["no --rootfs", ["run", "--", "true"], /--rootfs/],
    ["no command", ["run", "--rootfs", "/"], /command/],
    ["an unknown flag", ["run", "--rootfs", "/", "--nope", "--", "true"], /--nope/],
    ["an unknown command", ["walk"], /walk/],
    ["a rootfs that is not there", ["run", "--rootfs", "/no/such/dir", "--", "true"], /\/no\/such\/dir/],
    [
      "a shim that is not there",
      ["run", "--rootfs", "/", "--runtime", "io.containerd.nobody.v2", "--", "true"],
      /nobody/,
    ],
    ["a name that climbs", ["run", "--rootfs", "/", "--name", "../x", "--", "true"], /\.\.\/x/],
    ["an --env without a name", ["run", "--rootfs", "/", "--env", "=x", "--", "true"], /--env/],
  ];
  for (const [title, args, message] of rows) {
    test(`with ${title} is refused by name, with exit status 1`, { skip: noContainers }, async () => {
      const { status, stdout, stderr } = await finished(args);
      assert.match(stderr, message);
      assert.match(stderr, /^ebb: /);
      assert.deepEqual([status, stdout], [1, ""]);
    });
  }

  for (const args of [["--help"], ["run", "--help"], ["--version"]]) {
    test(`${args.join(" ")} explains itself`, { skip: noContainers }, async () => {
      const { status, stdout } = await finished(args);
      assert.equal(status, 0);
      assert.match(stdout, args.includes("--version") ? /^\d+\.\d+\.\d+\n$/ : /Usage: ebb/);
    });
  }
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { until } from "../../../lab/until.ts";
import { findShimProcesses } from "../../../src/client/shim-process.ts";
import { installedShims, noContainers } from "../support.ts";
import { makeEbbPlace } from "./ebb.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const place = makeEbbPlace("ebb-run-test");

for (const { name, runtime } of installedShims()) {
  const skip = noContainers;
  const ids: string[] = [];
  const flags = (title: string) => {
    const id = `${name.split("-")[2]}-${title}`;
    ids.push(id);
    return ["run", "--rm", "--rootfs", place.rootfs, "--runtime", runtime, "--name", id];
  };

  describe(`ebb run by ${name}`, () => {
    for (const status of [0, 3, 255]) {
      test(`has the output and the exit status ${status} of the command`, { skip }, async () => {
        const run = await place.run([
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
      const run = await place.run([...flags("stdin"), "--", "sh", "-c", "cat; echo end"], "a line\n");
      assert.deepEqual(run, { status: 0, stdout: "a line\nend\n", stderr: "" });
    });

    test("carries a megabyte over unharmed", { skip }, async () => {
      const run = await place.run([...flags("much"), "--", "sh", "-c", "cat | wc -c"], "x".repeat(1 << 20));
      assert.deepEqual([run.status, run.stdout.trim()], [0, String(1 << 20)]);
    });

    test("sets environment and directory, and keeps the root file system as it was", { skip }, async () => {
      const run = await place.run([
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
      const run = await place.run([...flags("ro"), "--read-only", "--", "touch", "/made"]);
      assert.equal(run.status, 1);
      assert.match(run.stderr, /Read-only file system/);
    });

    test("passes Ctrl-C on to the command, which may deal with it", { skip }, async () => {
      const script = "trap 'echo caught; exit 9' INT; echo ready; while :; do usleep 10000; done";
      const { child, output, ended } = place.start([...flags("int"), "--", "sh", "-c", script]);
      await until("the command", () => (output().stdout.includes("ready") ? true : undefined));
      child.kill("SIGINT");
      assert.equal(await ended, 9);
      assert.equal(output().stdout, "ready\ncaught\n");
    });

    test("ends a command that ignores Ctrl-C by the third", { skip }, async () => {
      const script = "trap '' INT; echo ready; while :; do usleep 10000; done";
      const { child, output, ended } = place.start([...flags("stubborn"), "--", "sh", "-c", script]);
      await until("the command", () => (output().stdout.includes("ready") ? true : undefined));
      for (let n = 0; n < 3; n += 1) {
        child.kill("SIGINT");
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      assert.equal(await ended, 137);
    });

    for (const signal of ["SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const) {
      test(`passes ${signal} on to the command`, { skip }, async () => {
        const script = `trap 'echo got ${signal}; exit 8' ${signal.slice(3)}; echo ready; while :; do usleep 10000; done`;
        const { child, output, ended } = place.start([...flags(signal), "--", "sh", "-c", script]);
        await until("the command", () => (output().stdout.includes("ready") ? true : undefined));
        child.kill(signal);
        assert.equal(await ended, 8, output().stderr);
        assert.equal(output().stdout, `ready\ngot ${signal}\n`);
      });
    }

    test("ends as by a broken pipe when nobody reads its output any more", { skip }, async () => {
      const { child, ended } = place.start([...flags("pipe"), "--", "yes"]);
      await new Promise((resolve) => child.stdout?.once("data", resolve));
      child.stdout?.destroy();
      assert.equal(await ended, 128 + 13);
      assert.deepEqual(await place.leftovers(ids), []);
    });

    test("hears signals while its output's reader stalls", { skip }, async () => {
      const { child, ended } = place.start([...flags("stall"), "--", "yes"]);
      await new Promise((resolve) => child.stdout?.once("readable", resolve));
      child.stdout?.pause();
      for (let n = 0; n < 3; n += 1) {
        child.kill("SIGINT");
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const status = new Promise((resolve) => child.once("exit", resolve));
      child.stdout?.resume();
      assert.equal(await status, 137);
      await ended;
    });

    test("is ended by Ctrl-C before there is a container, and leaves nothing", { skip }, async () => {
      const { child, output, ended } = place.start([...flags("early"), "--", "sleep", "60"]);
      const bundle = path.join(place.stateDir, "bundles", place.namespace, ids.at(-1) ?? "");
      await until("the bundle", () => existsSync(bundle) || undefined);
      child.kill("SIGINT");
      child.kill("SIGINT");
      child.kill("SIGINT");
      // Where the container was faster, it has got the third one as SIGKILL.
      const status = await ended;
      assert.ok(status === 130 || status === 137, `${status} ${output().stderr}`);
      assert.deepEqual(await place.leftovers(ids), []);
    });

    test("fails with 125 where a container has that name, which runs on", { skip }, async () => {
      const args = [...flags("twice"), "--", "sh", "-c", "echo ready; read line"];
      const first = place.start(args);
      await until("the first", () => (first.output().stdout.includes("ready") ? true : undefined));
      const second = await place.run(args);
      assert.equal(second.status, 125);
      assert.match(second.stderr, /^ebb: container .*-twice exists already/);
      first.child.stdin?.end("go\n");
      assert.equal(await first.ended, 0);
    });

    test("tells a program that may not be executed by 126", { skip }, async () => {
      const run = await place.run([...flags("noexec"), "--", "/etc/passwd"]);
      assert.equal(run.status, 126);
      assert.match(run.stderr, /permission denied/i);
    });

    test("is killed where its shim dies, and leaves nothing", { skip }, async () => {
      const { output, ended } = place.start([...flags("dies"), "--", "sh", "-c", "echo ready; sleep 60"]);
      await until("the command", () => (output().stdout.includes("ready") ? true : undefined));
      const scope = {
        namespace: place.namespace,
        id: ids.at(-1) ?? "",
        address: path.join(place.stateDir, "ebb.sock"),
      };
      const [server] = await findShimProcesses(scope);
      process.kill(server?.pid ?? 0, "SIGKILL");
      assert.equal(await ended, 137, output().stderr);
      assert.deepEqual(await place.leftovers(ids), []);
    });

    test("shows what the shim logs with --shim-log only", { skip }, async () => {
      const run = await place.run([...flags("log"), "--shim-log", "--", "true"]);
      assert.equal(run.status, 0);
      assert.notEqual(run.stderr, "");
    });

    test("tells a command that is not there from a failure of its own, and leaves nothing", {
      skip,
    }, async () => {
      const run = await place.run([...flags("missing"), "--", "/no/such/program"]);
      assert.equal(run.status, 127);
      assert.match(run.stderr, /ebb: .*no such file or directory/);
      assert.deepEqual(await place.leftovers(ids), []);
    });
  });
}

describe("ebb run --release", () => {
  test("has the release mode of one container in the place of the host's", {
    skip: noContainers,
  }, async () => {
    const seen = ["grep", " / ", "/proc/mounts"];
    const flags = ["--rm", "--rootfs", place.rootfs, "--release", "volatile"];
    const { status, stdout } = await place.run(["run", ...flags, "--", ...seen]);
    assert.equal(status, 0);
    assert.match(stdout, /^overlay .*[,=]volatile/);
  });
});

describe("the command line", () => {
  const rows: [string, string[], RegExp][] = [
    ["neither an image nor --rootfs", ["run"], /an image or --rootfs/],
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
      const { status, stdout, stderr } = await place.run(args);
      assert.match(stderr, message);
      assert.match(stderr, /^ebb: /);
      assert.deepEqual([status, stdout], [1, ""]);
    });
  }

  test("with a relative EBB_STATE is refused by name", { skip: noContainers }, async () => {
    const { status, stderr } = await place.run(
      ["run", "--rootfs", "/", "--runtime", "/bin/true", "--", "true"],
      "",
      {
        EBB_STATE: "here",
      },
    );
    assert.equal(status, 1);
    assert.match(stderr, /^ebb: EBB_STATE must be an absolute path/);
  });

  for (const [title, directory] of [
    ["cannot be made", "/proc/version/state"],
    ["is a file", "/proc/version"],
  ] as const) {
    test(`with a state directory that ${title} is refused by name`, { skip: noContainers }, async () => {
      const args = ["run", "--rootfs", "/", "--runtime", "/bin/true", "--", "true"];
      const { status, stderr } = await place.run(args, "", { EBB_STATE: directory });
      const message = `ebb: EBB_STATE must be a directory that can be written to, not "${directory}"\n`;
      assert.deepEqual([status, stderr], [1, message]);
    });
  }

  test("of anybody but root is refused", { skip: noContainers }, async () => {
    // Another user than root from here on, and not before: it may have no way to the files.
    const text = `import("./dist/lib/client/cli/state-dir.js").then((module) => {
      process.setuid(65534);
      module.requireRoot("ebb run");
    })`;
    const child = spawn(process.execPath, ["-e", text], { cwd: root });
    let stderr = "";
    child.stderr.on("data", (chunk) => (stderr += String(chunk)));
    assert.notEqual(await new Promise((resolve) => child.on("close", resolve)), 0);
    assert.match(stderr, /ebb run needs root: this is user 65534/);
  });

  test("ebb info shows what a shim says", { skip: noContainers }, async () => {
    const { status, stdout } = await place.run(["info", "--runtime", installedShims()[0]?.runtime ?? ""]);
    assert.equal(status, 0);
    assert.match(stdout, /version/);
  });

  for (const args of [["--help"], ["run", "--help"], ["--version"]]) {
    test(`${args.join(" ")} explains itself`, { skip: noContainers }, async () => {
      const { status, stdout } = await place.run(args);
      assert.equal(status, 0);
      assert.match(stdout, args.includes("--version") ? /^\d+\.\d+\.\d+\n$/ : /Usage: ebb/);
    });
  }
});

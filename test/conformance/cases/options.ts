import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { until } from "../../../lab/until.ts";
import { containerd, google, runtimeoptions } from "../../../src/proto/index.ts";
import type { Bench } from "../bench.ts";
import { about, type ConformanceCase } from "../case.ts";
import { expectOutcome } from "../expect.ts";
import { recordingRuntime } from "../runtimes.ts";
import { Streams } from "../streams.ts";

function whyNoCrun(): string | undefined {
  const found = (process.env.PATH ?? "").split(":").some((dir) => existsSync(path.join(dir, "crun")));
  return found ? undefined : "crun is not installed";
}

/** crun, as a program that does not see a second cgroup hierarchy: it refuses machines that have both kinds. */
function crun(bench: Bench): string {
  const file = path.join(bench.dir, "crun");
  const hidden = 'umount -l /sys/fs/cgroup/unified 2>/dev/null; exec crun "$@"';
  writeFileSync(file, `#!/bin/sh\nexec unshare -m sh -c '${hidden}' crun "$@"\n`, { mode: 0o755 });
  return file;
}

/** Where the cgroups of a process can be read from, by hierarchy. */
const cgroupsOf = (pid: number) => readFileSync(`/proc/${pid}/cgroup`, "utf8");

/** Options that reach the OCI runtime as words of its command line. */
const WORDS: readonly [string, containerd.runc.v1.IOptions, string, readonly string[]][] = [
  ["no_pivot_root", { noPivotRoot: true }, "create", ["--no-pivot"]],
  ["no_new_keyring", { noNewKeyring: true }, "create", ["--no-new-keyring"]],
  ["systemd_cgroup", { systemdCgroup: true }, "create", ["--systemd-cgroup"]],
];

const words = WORDS.flatMap(([name, option, command, expected]): ConformanceCase[] =>
  [true, false].map((given) => ({
    name: `${name} ${given ? "reaches" : "does not reach, if not given,"} the OCI runtime`,
    async run(bench) {
      const runtime = recordingRuntime(bench);
      await bench.created({ options: { ...runtime.options, ...(given ? option : {}) } });
      const call = runtime.call(command);
      for (const word of expected) assert.equal(call.includes(word), given, call.join(" "));
    },
  })),
);

/** The file system ids that a container runs with in the cases about its pipes. */
const OWNER = 1000;
const reopening = (options: containerd.runc.v1.IOptions) => async (bench: Bench) => {
  const streams = await Streams.open(bench, "s");
  const { id, task } = await bench.running({
    args: ["sh", "-c", "echo hello >/proc/self/fd/1"],
    request: streams.request,
    edit: ({ process }) => {
      process.user = { uid: OWNER, gid: OWNER };
    },
    options,
  });
  return { streams, exitStatus: (await task.wait({ id })).exitStatus };
};

const others: ConformanceCase[] = [
  {
    name: "binary_name names the OCI runtime of all commands",
    async run(bench) {
      const runtime = recordingRuntime(bench);
      const container = await bench.running({ options: runtime.options });
      const { id, task } = container;
      await container.execEnded("e1", { args: ["true"] });
      await task.pause({ id });
      await task.resume({ id });
      await container.kill();
      await task.delete({ id });
      for (const command of ["create", "start", "exec", "pause", "resume", "kill", "delete"])
        runtime.call(command);
    },
  },
  {
    name: "crun is an OCI runtime like any other",
    whyNot: whyNoCrun,
    async run(bench) {
      const container = await bench.running({ options: { binaryName: crun(bench) } });
      const { id, task } = container;
      assert.equal(await container.execEnded("e1", { args: ["sh", "-c", "exit 4"] }), 4);
      await task.pause({ id });
      await task.resume({ id });
      assert.equal(await container.kill(), 137);
      assert.equal((await task.delete({ id })).exitStatus, 137);
    },
  },
  {
    name: "a container by crun ends as usual after a process that could not be started",
    whyNot: whyNoCrun,
    async run(bench) {
      const container = await bench.running({ options: { binaryName: crun(bench) } });
      await assert.rejects(container.execStarted("e1", { args: ["/bin/nowhere"] }));
      const { id, task } = container;
      await task.kill({ id, signal: 9, all: true });
      assert.equal((await task.wait({ id }, { timeoutMs: 10_000 })).exitStatus, 137);
    },
  },
  {
    name: "root is where the OCI runtime keeps its state, in a directory of the namespace",
    async run(bench) {
      const root = path.join(bench.dir, "runtime-root");
      const container = await bench.running({ options: { root } });
      assert.deepEqual(readdirSync(path.join(root, bench.namespace)), [container.id]);
      await container.kill();
      await container.task.delete({ id: container.id });
      assert.deepEqual(readdirSync(path.join(root, bench.namespace)), []);
    },
  },
  {
    name: "the OCI runtime is given the log, the id and the bundle",
    async run(bench) {
      const runtime = recordingRuntime(bench);
      const { id, bundle } = await bench.created({ options: runtime.options });
      const call = runtime.call("create");
      assert.equal(call[call.indexOf("--bundle") + 1], bundle.path);
      assert.equal(call.at(-1), id);
      assert.ok(call.includes("--log-format") && call.includes("json"), call.join(" "));
    },
  },
  {
    name: "io_uid and io_gid own the pipes, so that a user other than root may open them again",
    async run(bench) {
      const { streams, exitStatus } = await reopening({ ioUid: OWNER, ioGid: OWNER })(bench);
      assert.equal(exitStatus, 0);
      await streams.until("hello\n");
    },
  },
  {
    name: "shim_cgroup is where the shim is put",
    async run(bench) {
      const group = `${bench.namespace}-shim`;
      makeGroup(group);
      bench.atEnd(() => removeGroup(group));
      const container = await bench.launched({ options: { shimCgroup: `/${group}` } });
      const { shimPid } = await container.task.connect({ id: container.id });
      assert.ok(cgroupsOf(shimPid).includes(`/${group}\n`), cgroupsOf(shimPid));
      await container.end();
    },
  },
  {
    name: "options in runtimeoptions.v1 are those of the runtime",
    async run(bench) {
      const root = path.join(bench.dir, "runtime-root");
      const value = runtimeoptions.v1.Options.encode({
        typeUrl: "containerd.runc.v1.Options",
        configBody: Buffer.from(`Root = "${root}"\n`),
      }).finish();
      const container = await bench.launched();
      await container.create({ options: { typeUrl: "runtimeoptions.v1.Options", value } });
      assert.ok(existsSync(path.join(root, bench.namespace, container.id)), "the root was not used");
      await container.kill();
      await container.task.delete({ id: container.id });
    },
  },
  {
    name: "an empty Any is no options",
    async run(bench) {
      const container = await bench.launched();
      await container.create({ options: google.protobuf.Any.create({}) });
    },
  },
  {
    name: "options of containerd.runc.v1 with fields of a later version are taken",
    async run(bench) {
      const value = Buffer.from([0xf8, 0x07, 0x01]);
      const container = await bench.launched();
      await container.create({ options: { typeUrl: "containerd.runc.v1.Options", value } });
    },
  },
  {
    name: "Checkpoint calls the OCI runtime with what it was asked for",
    async run(bench) {
      const runtime = recordingRuntime(bench, { checkpoint: "exit 0" });
      const { id, task } = await bench.running({ options: runtime.options });
      const image = path.join(bench.dir, "image");
      const value = containerd.runc.v1.CheckpointOptions.encode({
        openTcp: true,
        externalUnixSockets: true,
        terminal: true,
        fileLocks: true,
        workPath: path.join(bench.dir, "work"),
      }).finish();
      await task.checkpoint({
        id,
        path: image,
        options: { typeUrl: "containerd.runc.v1.CheckpointOptions", value },
      });
      const call = runtime.call("checkpoint");
      assert.equal(call[call.indexOf("--image-path") + 1], image);
      for (const word of [
        "--tcp-established",
        "--ext-unix-sk",
        "--shell-job",
        "--file-locks",
        "--leave-running",
      ]) {
        assert.ok(call.includes(word), `${word} in ${call.join(" ")}`);
      }
    },
  },
  {
    name: "a Checkpoint that ends the container does not leave it running",
    async run(bench) {
      const runtime = recordingRuntime(bench, { checkpoint: "exit 0" });
      const { id, task } = await bench.running({ options: runtime.options });
      const value = containerd.runc.v1.CheckpointOptions.encode({ exit: true }).finish();
      const options = { typeUrl: "containerd.runc.v1.CheckpointOptions", value };
      await task.checkpoint({ id, path: path.join(bench.dir, "image"), options });
      assert.ok(!runtime.call("checkpoint").includes("--leave-running"));
    },
  },
  {
    name: "a container from a checkpoint is restored at Start, and a restore that fails leaves nothing",
    async run(bench) {
      const runtime = recordingRuntime(bench, { restore: "echo no criu >&2; exit 1" });
      const image = path.join(bench.dir, "image");
      mkdirSync(image);
      const container = await bench.created({ options: runtime.options, request: { checkpoint: image } });
      const { id, task } = container;
      assert.ok(!runtime.calls().some((call) => call.includes("create")), "it was created");
      await expectOutcome(task.start({ id }), "refused");
      const call = runtime.call("restore");
      assert.equal(call[call.indexOf("--image-path") + 1], image);
    },
  },
];

/** Hierarchies that take a process without further settings; all of one on cgroup v2. */
function groupDirs(group: string): string[] {
  const v1 = ["memory", "pids", "freezer"]
    .map((name) => path.join("/sys/fs/cgroup", name))
    .filter(existsSync);
  return (v1.length > 0 ? v1 : ["/sys/fs/cgroup"]).map((dir) => path.join(dir, group));
}

function makeGroup(group: string): void {
  for (const dir of groupDirs(group)) mkdirSync(dir);
}

async function removeGroup(group: string): Promise<void> {
  for (const dir of groupDirs(group)) await until(`${dir} to be empty`, () => tryRemove(dir));
}

function tryRemove(dir: string): true | undefined {
  try {
    rmdirSync(dir);
    return true;
  } catch {
    return undefined;
  }
}

export const optionCases = about("options", [...words, ...others]);

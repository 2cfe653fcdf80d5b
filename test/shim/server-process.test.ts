import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { sleep } from "../../src/base/deadline.ts";
import { containerd, google, taskV2 } from "../../src/proto/index.ts";
import { connect, createClient } from "../../src/ttrpc/index.ts";
import { until } from "../oci/helpers.ts";
import { makeFifo } from "../support/files.ts";
import { hierarchy } from "../support/hierarchy.ts";
import { makeBundle, runShim } from "../support/shim-process.ts";

const { BootstrapParams, BootstrapResult } = containerd.runtime.bootstrap.v1;
const skip = process.getuid?.() === 0 ? false : "needs root";
const address = `/run/ebb-process-${process.pid}/containerd.sock`;
const config = { ociVersion: "1.0.2", process: { args: ["true"] }, root: { path: "rootfs" } };
const flags = (id: string) => ["-namespace", "ebb-test", "-address", address, "-id", id];

/** Launches a server, hands over its pid, and ends it. */
async function served(
  options: { id: string; bundle: string; args?: string[]; stdin?: Uint8Array; env?: Record<string, string> },
  use: (pid: number) => void | Promise<void>,
): Promise<void> {
  const { id, bundle, args = [], ...rest } = options;
  const { stdout, stderr, status } = await runShim([...flags(id), ...args, "start"], {
    cwd: bundle,
    ...rest,
  });
  assert.deepEqual([status, stderr], [0, ""]);
  const text = stdout.toString();
  const shim = text.startsWith("unix:") ? text : BootstrapResult.decode(stdout).address;
  const connection = await connect(shim);
  const task = createClient(taskV2, connection);
  try {
    await use((await task.connect({ id: "" })).shimPid);
  } finally {
    await task.shutdown({ id });
    await connection.closed;
  }
}

const anyOf = (options: containerd.runc.v1.IOptions) => ({
  typeUrl: "containerd.runc.v1.Options",
  value: containerd.runc.v1.Options.encode(options).finish(),
});

/** The fields of `/proc/[pid]/stat` behind the name: state, parent, group, session, … */
const statOf = (pid: number) =>
  fs
    .readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ")
    .map(Number);

const scoreOf = (pid: number | "self") => Number(fs.readFileSync(`/proc/${pid}/oom_score_adj`, "utf8"));

describe("the process that serves", () => {
  let bundle = "";
  before(() => {
    bundle = makeBundle(config);
  });
  after(() => fs.rmSync(bundle, { recursive: true }));

  test("has a process group and a session of its own, so that no signal to the daemon's reaches it", {
    skip,
  }, async () => {
    await served({ id: "p1", bundle }, (pid) => {
      const [, , group, session] = statOf(pid);
      assert.deepEqual([group, session], [pid, pid]);
    });
  });

  test("sleeps while nobody calls, and answers then", { skip }, async () => {
    const wakes = (pid: number) =>
      Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
    await served({ id: "p0", bundle }, async (pid) => {
      const sleeps = async () => {
        const before = wakes(pid);
        await sleep(3_000);
        return wakes(pid) <= before + 1;
      };
      for (let looks = 0; !(await sleeps()); looks += 1) assert.ok(looks < 5, "it wakes and wakes");
    });
  });

  test("is killed by the kernel sooner than the daemon, as far as there is a sooner", { skip }, async () => {
    const own = scoreOf("self");
    try {
      for (const [score, expected] of [
        [own, Math.min(1000, own + 1)],
        [999, 1000],
        [1000, 1000],
      ] as const) {
        fs.writeFileSync("/proc/self/oom_score_adj", String(score));
        await served({ id: "p2", bundle }, (pid) => assert.equal(scoreOf(pid), expected));
      }
    } finally {
      fs.writeFileSync("/proc/self/oom_score_adj", String(own));
    }
  });

  for (const [form, stdinOf] of [
    ["before 2.3", (id: string) => google.protobuf.Any.encode({ ...anyOf(shims(id)) }).finish()],
    [
      "of 2.3",
      (id: string) =>
        BootstrapParams.encode({
          instanceId: id,
          namespace: "ebb-test",
          extensions: [{ value: anyOf(shims(id)) }],
        }).finish(),
    ],
  ] as const) {
    test(`joins the control group that the options of a daemon ${form} name`, {
      skip: skip || (hierarchy === undefined ? "needs control groups" : false),
    }, async () => {
      const id = form === "of 2.3" ? "g2" : "g1";
      const group = path.join(hierarchy ?? "", shims(id).shimCgroup);
      fs.mkdirSync(group);
      try {
        await served({ id, bundle, stdin: stdinOf(id) }, (pid) => {
          const pids = fs.readFileSync(path.join(group, "cgroup.procs"), "utf8").split("\n");
          assert.ok(pids.includes(String(pid)), `${pid} is not among ${pids}`);
        });
      } finally {
        const pids = () => fs.readFileSync(path.join(group, "cgroup.procs"), "utf8");
        await until(() => pids() === "", "the server's end");
        fs.rmdirSync(group);
      }
    });
  }

  test("is not there where that group is not, and start says so", { skip }, async () => {
    const options = { shimCgroup: `/ebb-none-${process.pid}` };
    const stdin = google.protobuf.Any.encode(anyOf(options)).finish();
    const before = servers().length;
    const { status, stdout, stderr } = await runShim([...flags("g3"), "start"], { cwd: bundle, stdin });
    assert.deepEqual([status, stdout.toString()], [1, ""]);
    assert.match(stderr, new RegExp(`control group ${options.shimCgroup}: there is none`));
    await until(() => servers().length === before, "the server's end");
  });

  test("shares no core with others where SCHED_CORE asks for it, or is not there, and start says so", {
    skip,
  }, async () => {
    const before = servers().length;
    const env = { SCHED_CORE: "1" };
    const { status, stdout, stderr } = await runShim([...flags("k1"), "start"], { cwd: bundle, env });
    if (status === 0) {
      const connection = await connect(stdout.toString());
      await createClient(taskV2, connection).shutdown({ id: "k1" });
      await connection.closed;
    } else assert.match(stderr, /SCHED_CORE asks for core scheduling, which this host has not: /);
    await until(() => servers().length === before, "the server's end");
  });

  const levels: [level: number, args: string[], debug: boolean][] = [
    [0, [], false],
    [0, ["-debug"], true],
    [-4, [], true],
    [8, [], false],
  ];
  for (const [logLevel, args, debug] of levels) {
    const what = `log level ${logLevel}${args.map((arg) => ` and ${arg}`).join("")}`;
    test(`logs ${debug ? "all that it does" : "no more than it must"} by ${what}`, { skip }, async () => {
      const own = makeBundle(config);
      const log = path.join(own, "log");
      makeFifo(log);
      const reader = fs.openSync(log, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
      const stdin = BootstrapParams.encode({ instanceId: "l1", namespace: "ebb-test", logLevel }).finish();
      await served({ id: "l1", bundle: own, args, stdin }, () => {});
      const told = debug ? fs.readSync(reader, Buffer.alloc(4096)) > 0 : isEmpty(reader);
      fs.closeSync(reader);
      fs.rmSync(own, { recursive: true });
      assert.ok(told);
    });
  }
});

function shims(id: string) {
  return { shimCgroup: `/ebb-shims-${id}-${process.pid}` };
}

function isEmpty(fifo: number): boolean {
  try {
    return fs.readSync(fifo, Buffer.alloc(1)) === 0;
  } catch (err) {
    return (err as NodeJS.ErrnoException).code === "EAGAIN";
  }
}

/** The shims that serve for this file's daemon. */
function servers(): string[] {
  return fs.readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(address);
    } catch {
      return false;
    }
  });
}

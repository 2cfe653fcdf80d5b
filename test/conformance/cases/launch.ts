import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createTaskClient, type LaunchOptions, shimVersion } from "../../../src/client/index.ts";
import { describeEnding, runProgram } from "../../../src/client/program.ts";
import { shimArgs, shimEnv } from "../../../src/client/shim-command.ts";
import { containerd, google } from "../../../src/proto/index.ts";
import { connect } from "../../../src/ttrpc/index.ts";
import type { Bench } from "../bench.ts";
import { about, type ConformanceCase, type Need } from "../case.ts";
import { DAEMONS, type Daemon, startAs } from "../daemons.ts";
import { stateName } from "../expect.ts";
import { expectHistory } from "../history.ts";
import { runcOptions } from "../options.ts";

const NEEDS: Readonly<Record<Daemon, readonly Need[]>> = {
  "1.6": [],
  "1.7": [],
  "2.0": [],
  "2.3": ["bootstrap"],
};
const daemons = Object.keys(DAEMONS) as Daemon[];

/** The whole way as each generation of the daemon goes it. */
const generations = daemons.map(
  (daemon): ConformanceCase => ({
    name: `a daemon of ${daemon} runs a container, options and all`,
    needs: NEEDS[daemon],
    async run(bench) {
      const root = path.join(bench.dir, "runtime-root");
      const container = await bench.bundle({ args: ["sh", "-c", "exit 6"], options: { root } });
      await container.launch(DAEMONS[daemon]);
      await container.create();
      const { id, task } = container;
      assert.ok(existsSync(path.join(root, bench.namespace, id)));
      await task.start({ id });
      assert.equal((await task.wait({ id })).exitStatus, 6);
      await task.delete({ id });
      await expectHistory(bench, id, ["create", "start", "exit 6", "delete 6"]);
    },
  }),
);

const FORMS: readonly [Daemon, string, readonly Need[]][] = [
  ["1.6", "text", []],
  ["1.7", "json", ["json"]],
  ["2.0", "json", ["json"]],
  ["2.3", "protobuf", ["bootstrap"]],
];

const forms = FORMS.map(
  ([daemon, form, needs]): ConformanceCase => ({
    name: `a daemon of ${daemon} is answered in ${form}, with nothing before or after it`,
    needs,
    async run(bench) {
      const answer = await startAs(bench, daemon);
      assert.equal(answer.form, form);
      if (form === "text") assert.equal(answer.output.toString(), answer.address);
      if (form === "json") {
        const { protocol } = JSON.parse(answer.output.toString()) as Record<string, unknown>;
        assert.equal(protocol, "ttrpc");
      }
    },
  }),
);

/** Flags as Go's flag package takes them. */
const SPELLINGS: readonly [string, (args: string[]) => string[]][] = [
  ["one dash", (args) => args],
  ["two dashes", (args) => args.map((word) => (word.startsWith("-") ? `-${word}` : word))],
  ["an equals sign", joinFlags],
];

function joinFlags(args: string[]): string[] {
  const [action = ""] = args.slice(-1);
  const joined: string[] = [];
  for (let at = 0; at < args.length - 1; at += 2) joined.push(`${args[at]}=${args[at + 1]}`);
  return [...joined, action];
}

/** Runs the binary with the given words and returns what it printed. */
async function call(command: LaunchOptions, args: readonly string[], env: Record<string, string> = {}) {
  return runProgram({
    file: command.binary,
    args,
    cwd: command.bundle,
    env: { ...shimEnv(command), MAX_SHIM_VERSION: "", ...env },
    timeoutMs: 10_000,
  });
}

const spellings = SPELLINGS.map(
  ([name, spell]): ConformanceCase => ({
    name: `flags with ${name} are taken`,
    async run(bench) {
      const container = await bench.bundle();
      const command = bench.command(container);
      await container.attach(async () => {
        const result = await call(command, spell(shimArgs(command, "start")));
        assert.equal(result.exitCode, 0, describeEnding(result));
        return { address: result.stdout.toString().trim() };
      });
      assert.ok((await container.task.connect({ id: container.id })).shimPid > 1);
    },
  }),
);

/** Calls that fail before there is a shim. */
const REFUSED: readonly [string, (command: LaunchOptions) => string[]][] = [
  ["without a namespace", (c) => ["-id", c.id, "-address", c.address, "start"]],
  ["with a flag that nobody knows", (c) => ["-nobody-knows", ...shimArgs(c, "start")]],
];

const refused = REFUSED.map(
  ([name, args]): ConformanceCase => ({
    name: `a call ${name} fails, in words, and leaves nothing`,
    async run(bench) {
      const command = bench.command(await bench.bundle());
      const result = await call(command, args(command));
      assert.notEqual(result.exitCode, 0);
      assert.notEqual(result.output.toString().trim(), "");
      assert.deepEqual(await bench.left(), []);
    },
  }),
);

/** What `start` finds in its bundle that keeps it from starting. */
const BROKEN: readonly [string, (dir: string) => void][] = [
  ["no JSON in config.json", (dir) => writeFileSync(path.join(dir, "config.json"), "{")],
  ["an address file that is a directory", (dir) => mkdirSync(path.join(dir, "address"))],
];

const broken = BROKEN.map(
  ([name, spoil]): ConformanceCase => ({
    name: `a start that finds ${name} fails, in words, and leaves nothing`,
    async run(bench) {
      const container = await bench.bundle();
      spoil(container.bundle.path);
      const command = bench.command(container);
      const result = await call(command, shimArgs(command, "start"));
      assert.notEqual(result.exitCode, 0, result.output.toString());
      assert.notEqual(result.output.toString().trim(), "");
      assert.deepEqual(await bench.left(), []);
    },
  }),
);

const others: ConformanceCase[] = [
  {
    name: "the address is left in the bundle, as daemons up to 1.6 look for it there",
    async run(bench) {
      const container = await bench.launched();
      const text = readFileSync(path.join(container.bundle.path, "address"), "utf8");
      assert.equal(text, container.shim.answer.address);
    },
  },
  {
    name: "the shim is the leader of a process group of its own, and not in the daemon's",
    async run(bench) {
      const container = await bench.launched();
      const { shimPid } = await container.task.connect({ id: container.id });
      const groupOf = (pid: number) =>
        readFileSync(`/proc/${pid}/stat`, "utf8")
          .replace(/^.*\) /s, "")
          .split(" ")[2];
      assert.equal(groupOf(shimPid), String(shimPid));
    },
  },
  {
    name: "the shim's OOM score is one above the daemon's",
    async run(bench) {
      const container = await bench.launched();
      const { shimPid } = await container.task.connect({ id: container.id });
      const score = (pid: number) => Number(readFileSync(`/proc/${pid}/oom_score_adj`, "utf8"));
      assert.equal(score(shimPid), score(process.pid) + 1);
    },
  },
  {
    name: "Connect tells the pids of shim and task",
    async run(bench) {
      const container = await bench.launched();
      const pid = await container.create();
      const { shimPid, taskPid } = await container.task.connect({ id: container.id });
      assert.equal(taskPid, pid);
      assert.match(
        readFileSync(`/proc/${shimPid}/cmdline`, "utf8"),
        new RegExp(`-namespace\0${bench.namespace}\0`),
      );
    },
  },
  {
    name: "version 2 of the task service is served",
    run: (bench) => connectBy(bench, 2),
  },
  {
    name: "version 3 of the task service is served",
    needs: ["task-v3"],
    run: (bench) => connectBy(bench, 3),
  },
  {
    name: "a daemon of 2.3 says where the socket goes",
    needs: ["bootstrap"],
    async run(bench) {
      const socketDir = path.join(bench.dir, "s");
      mkdirSync(socketDir, { mode: 0o700 });
      const container = await bench.bundle();
      const { answer, socketPath } = await container.launch({ ...DAEMONS["2.3"], socketDir });
      assert.equal(path.dirname(socketPath ?? ""), socketDir);
      assert.equal(answer.version, 3);
      await container.create();
      await container.end();
      assert.ok(!existsSync(socketPath ?? ""), "the socket is still there");
    },
  },
  {
    name: "a shim is launched with -debug",
    async run(bench) {
      const container = await bench.bundle();
      await container.launch({ debug: true });
      await container.create();
      assert.equal(stateName((await container.task.state({ id: container.id })).status), "created");
    },
  },
  {
    name: "a log that nobody reads is no obstacle",
    async run(bench) {
      const container = await bench.launched();
      await container.shim.close();
      const connection = await connect(container.shim.answer.address);
      bench.atEnd(() => connection.close());
      const task = createTaskClient(2, connection);
      await task.create(container.request());
      await task.start({ id: container.id });
      await container.launch();
    },
  },
  {
    name: "-v tells a version, and needs nothing else",
    async run(bench) {
      assert.match(await shimVersion(bench.target.binary), /\S/);
    },
  },
  {
    name: "-info tells name and version, and gives the options back",
    needs: ["info"],
    async run(bench) {
      const options = bench.options({ noPivotRoot: true });
      const info = await infoOf(bench, options);
      assert.notEqual(info.name, "");
      assert.notEqual(info.version?.version ?? "", "");
      assert.equal(info.options?.typeUrl, options.typeUrl);
    },
  },
  {
    name: "-info leaves nothing where it is called",
    needs: ["info"],
    async run(bench) {
      const cwd = path.join(bench.dir, "cwd");
      mkdirSync(cwd);
      const { binary: file } = bench.target;
      const { exitCode } = await runProgram({ file, args: ["-info"], cwd, timeoutMs: 10_000 });
      assert.equal(exitCode, 0);
      assert.deepEqual(readdirSync(cwd), []);
    },
  },
  {
    name: "-info tells the features of the OCI runtime, where that can tell them",
    needs: ["info"],
    async run(bench) {
      const features = '{"ociVersionMin":"1.0.0","ociVersionMax":"1.1.0"}';
      const file = path.join(bench.dir, "runtime");
      writeFileSync(
        file,
        `#!/bin/sh\ncase " $* " in *" features "*) echo '${features}' ;; *) exit 1 ;; esac\n`,
        {
          mode: 0o755,
        },
      );
      const info = await infoOf(bench, runcOptions({ binaryName: file }));
      assert.match(info.features?.typeUrl ?? "", /Features$/);
      const told = JSON.parse(Buffer.from(info.features?.value ?? []).toString()) as {
        ociVersionMax?: string;
      };
      assert.equal(told.ociVersionMax, "1.1.0");
    },
  },
];

/** Asks in the case's own directory, as a shim may leave something there. */
async function infoOf(
  { target, dir }: Bench,
  options: google.protobuf.IAny,
): Promise<containerd.types.RuntimeInfo> {
  const stdin = google.protobuf.Any.encode(options).finish();
  const call = { file: target.binary, args: ["-info"], cwd: dir, stdin, timeoutMs: 10_000 };
  const result = await runProgram(call);
  assert.equal(result.exitCode, 0, describeEnding(result));
  return containerd.types.RuntimeInfo.decode(result.stdout);
}

async function connectBy(bench: Bench, version: 2 | 3): Promise<void> {
  const { id, shim } = await bench.created();
  const task = createTaskClient(version, shim.connection);
  assert.equal((await task.state({ id })).status, containerd.v1.types.Status.CREATED);
}

export const launchCases = about("launch", [
  ...generations,
  ...forms,
  ...spellings,
  ...refused,
  ...broken,
  ...others,
]);

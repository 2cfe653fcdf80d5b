import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { OciSpec } from "../../../src/client/index.ts";
import type { containerd } from "../../../src/proto/index.ts";
import type { Bench } from "../bench.ts";
import { about, type ConformanceCase } from "../case.ts";
import { expectOutcome } from "../expect.ts";
import type { TestContainer } from "../test-container.ts";

type CreateRequest = containerd.task.v2.ICreateTaskRequest;
type MountList = containerd.types.IMount[];

/** What is wrong with a container, so that it cannot be created. */
interface Flaw {
  /** In config.json. */
  readonly spec?: (spec: OciSpec) => void;
  /** In the bundle. */
  readonly bundle?: (dir: string) => void;
  /** In the request. */
  readonly request?: (bench: Bench) => CreateRequest;
}

const config = (dir: string) => path.join(dir, "config.json");
const bind = (source: string, options = ["rbind", "rw"]) => ({ type: "bind", source, options });
const rootfs = (make: (lower: string) => MountList): Flaw => ({
  request: ({ target }) => ({ rootfs: make(target.lower) }),
});
const program = (...args: string[]): Flaw => ({
  spec: (spec) => {
    spec.process.args = args;
  },
});

const FLAWS: Readonly<Record<string, Flaw>> = {
  "a bundle that is not there": { request: ({ dir }) => ({ bundle: path.join(dir, "nowhere") }) },
  "a bundle without config.json": { bundle: (dir) => rmSync(config(dir)) },
  "a config.json that is no JSON": { bundle: (dir) => writeFileSync(config(dir), "{") },
  "a config.json that is empty": { bundle: (dir) => writeFileSync(config(dir), "") },
  "no program at all": program(),
  "a program that is not there": program("/bin/nowhere"),
  "a program that is not executable": program("/etc/passwd"),
  "a program that is a directory": program("/etc"),
  "a working directory that is a file": {
    spec: (spec) => {
      spec.process.cwd = "/etc/passwd";
    },
  },
  "a root that is not there": {
    spec: (spec) => {
      spec.root.path = "elsewhere";
    },
  },
  "a namespace of no such path": {
    spec: (spec) => {
      spec.linux.namespaces = [{ type: "pid" }, { type: "mount" }, { type: "network", path: "/nowhere/net" }];
    },
  },
  "a mount of config.json that fails": {
    spec: (spec) => {
      spec.mounts.push({ destination: "/mnt", type: "nosuchfs", source: "none" });
    },
  },
  "a hook that fails": {
    spec: (spec) => {
      Object.assign(spec, { hooks: { createRuntime: [{ path: "/bin/false" }] } });
    },
  },
  "a rootfs whose source is not there": rootfs(() => [bind("/nowhere/rootfs")]),
  "a rootfs of no such file system": rootfs(() => [{ type: "nosuchfs", source: "none" }]),
  "a rootfs with an option that its file system does not know": rootfs(() => [
    { type: "tmpfs", source: "none", options: ["nosuchoption=1"] },
  ]),
  "an overlay without its lower directory": rootfs((lower) => [
    { type: "overlay", source: "overlay", options: [`lowerdir=${lower}:/nowhere/lower`] },
  ]),
  "a rootfs with an option that is the daemon's own": rootfs(() => [
    { type: "tmpfs", source: "none", options: ["X-containerd.nobody.knows=1"] },
  ]),
  "a second mount that fails": rootfs((lower) => [bind(lower), bind("/nowhere/second")]),
  "an OCI runtime that is not there": {
    request: (bench) => ({ options: bench.options({ binaryName: "/nowhere/runtime" }) }),
  },
  "an OCI runtime that only fails": {
    request: (bench) => ({ options: bench.options({ binaryName: "false" }) }),
  },
  "options of a type that nobody knows": {
    request: () => ({ options: { typeUrl: "nobody.knows.Options", value: Buffer.from([8, 1]) } }),
  },
  "options that cannot be decoded": {
    request: () => ({ options: { typeUrl: "containerd.runc.v1.Options", value: Buffer.from([0xff, 0xff]) } }),
  },
  "a stdout that leads nowhere": {
    request: ({ dir }) => ({ stdout: path.join(dir, "no/out"), stderr: path.join(dir, "no/err") }),
  },
  "a stdout of no such scheme": { request: () => ({ stdout: "nobody://knows", stderr: "nobody://knows" }) },
  "a logger that is not there": {
    request: () => ({ stdout: "binary:///nowhere/logger", stderr: "binary:///nowhere/logger" }),
  },
  "an id that leads out of its directory": { request: () => ({ id: "../c1" }) },
  "an empty id": { request: () => ({ id: "" }) },
};

const REFUSED = "refused|not found|unimplemented|permission denied";

/** What a shim is, as long as it serves: no leftover of a container. */
const ofShim = (line: string) => line.startsWith("process ") || line.startsWith("socket ");

async function expectNothingMade(bench: Bench, { id, task }: TestContainer): Promise<void> {
  await expectOutcome(task.state({ id }), "not found", "State after the refusal");
  assert.deepEqual(await bench.left(ofShim), [], "left by the refused Create");
}

function refusalOf(flaw: string, { spec, bundle, request }: Flaw): ConformanceCase {
  return {
    name: `${flaw} is refused, and leaves nothing`,
    async run(bench) {
      const container = await bench.launched();
      if (spec !== undefined || bundle !== undefined) await container.rewrite(spec ?? (() => {}));
      bundle?.(container.bundle.path);
      await expectOutcome(container.create(request?.(bench)), REFUSED, "Create");
      await expectNothingMade(bench, container);
    },
  };
}

const again: ConformanceCase[] = [
  "a rootfs whose source is not there",
  "an OCI runtime that only fails",
  "a stdout that leads nowhere",
].map((flaw) => ({
  name: `the same id is created in the same shim after ${flaw}`,
  async run(bench) {
    const container = await bench.launched();
    await expectOutcome(container.create(FLAWS[flaw]?.request?.(bench)), REFUSED, "Create");
    await container.create();
    await container.task.start({ id: container.id });
    assert.equal(await container.kill(), 137);
  },
}));

export const createRefusedCases = about("create", [
  ...Object.entries(FLAWS).map(([flaw, how]) => refusalOf(flaw, how)),
  ...again,
]);

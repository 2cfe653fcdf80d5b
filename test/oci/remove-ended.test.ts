import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { removeEnded } from "../../src/oci/remove-ended.ts";
import { withTempDir } from "../support/files.ts";

const PID = 7;

/** What runc keeps of a container without anything special. */
const plain = {
  init_process_pid: PID,
  intel_rdt_path: "",
  config: {
    namespaces: [
      { type: "NEWNS", path: "" },
      { type: "NEWPID", path: "" },
    ],
    cgroups: { name: "c", Systemd: false },
    Hooks: { poststart: null, poststop: null },
  },
};

type State = Record<string, unknown> & { readonly config: Record<string, unknown> };

/** A container's state, and control groups that look like its own. */
async function withContainer(
  body: (place: { stateDirectory: string; cgroupRoot: string; groups: string[] }) => Promise<void>,
  change: (state: State) => object | string = (state) => state,
): Promise<void> {
  await withTempDir(async (dir) => {
    const cgroupRoot = path.join(dir, "cgroup");
    const groups = ["cpu", "memory"].map((name) => path.join(cgroupRoot, name, "c"));
    const stateDirectory = path.join(dir, "state/c");
    for (const each of [...groups, stateDirectory]) fs.mkdirSync(each, { recursive: true });
    const [cpu, memory] = groups;
    const cgroup_paths = { cpu, cpuacct: cpu, memory, pids: path.join(cgroupRoot, "pids/gone") };
    const state = change({ ...structuredClone(plain), cgroup_paths });
    const text = typeof state === "string" ? state : JSON.stringify(state);
    fs.writeFileSync(path.join(stateDirectory, "state.json"), text);
    await body({ stateDirectory, cgroupRoot, groups });
  });
}

const config = (changes: object) => (state: State) => ({ ...state, config: { ...state.config, ...changes } });

describe("what runc keeps of a container that has ended", () => {
  test("is removed: its control groups, and its state", async () => {
    await withContainer(async ({ stateDirectory, cgroupRoot, groups }) => {
      assert.equal(await removeEnded({ stateDirectory, cgroupRoot, pid: PID, systemdCgroup: false }), true);
      for (const each of [...groups, stateDirectory]) assert.equal(fs.existsSync(each), false);
      for (const each of groups) assert.equal(fs.existsSync(path.dirname(each)), true);
    });
  });

  test("is removed whichever case its fields have", async () => {
    const change = config({ Hooks: undefined, hooks: { PostStop: [] }, cgroups: { systemd: false } });
    await withContainer(async ({ stateDirectory, cgroupRoot }) => {
      assert.equal(await removeEnded({ stateDirectory, cgroupRoot, pid: PID, systemdCgroup: false }), true);
    }, change);
  });

  test("is removed where runc does not note down whose its groups are, unless it was told that they are systemd's", async () => {
    for (const systemdCgroup of [false, true]) {
      await withContainer(
        async ({ stateDirectory, cgroupRoot }) => {
          const removed = await removeEnded({ stateDirectory, cgroupRoot, pid: PID, systemdCgroup });
          assert.equal(removed, !systemdCgroup);
        },
        config({ cgroups: { name: "c" } }),
      );
    }
  });

  test("is left as it is where its time is over", async () => {
    await withContainer(async ({ stateDirectory, cgroupRoot }) => {
      const signal = AbortSignal.abort();
      const ended = { stateDirectory, cgroupRoot, pid: PID, systemdCgroup: false, signal };
      assert.equal(await removeEnded(ended), false);
      assert.equal(fs.existsSync(path.join(stateDirectory, "state.json")), true);
    });
  });

  test("keeps its state where a control group cannot be removed", async () => {
    await withContainer(async ({ stateDirectory, cgroupRoot, groups }) => {
      fs.mkdirSync(path.join(groups[1] ?? "", "inner"));
      assert.equal(await removeEnded({ stateDirectory, cgroupRoot, pid: PID, systemdCgroup: false }), false);
      assert.equal(fs.existsSync(path.join(stateDirectory, "state.json")), true);
    });
  });

  const left: readonly (readonly [string, (state: State) => object | string])[] = [
    ["is another process's", (state) => ({ ...state, init_process_pid: PID + 1 })],
    ["is no JSON", () => "{"],
    ["has no configuration", ({ config: _, ...state }) => state],
    ["has poststop hooks", config({ Hooks: { poststop: [{ path: "/bin/true" }] } })],
    ["has hooks of a form that is not known", config({ Hooks: { poststop: {} } })],
    ["has groups of systemd's", config({ cgroups: { Systemd: true } })],
    ["has an intelRdt group", (state) => ({ ...state, intel_rdt_path: "/sys/fs/resctrl/c" })],
    ["has an intelRdt configuration", config({ intel_rdt: {} })],
    ["shares a pid namespace", config({ namespaces: [{ type: "NEWPID", path: "/proc/1/ns/pid" }] })],
    ["is in the host's pid namespace", config({ namespaces: [{ type: "NEWNS", path: "" }] })],
    ["names no groups", ({ cgroup_paths: _, ...state }) => state],
  ];
  for (const [what, change] of left) {
    test(`is left to the runtime where it ${what}`, async () => {
      await withContainer(async ({ stateDirectory, cgroupRoot, groups }) => {
        assert.equal(
          await removeEnded({ stateDirectory, cgroupRoot, pid: PID, systemdCgroup: false }),
          false,
        );
        for (const each of [...groups, stateDirectory]) assert.equal(fs.existsSync(each), true);
      }, change);
    });
  }

  for (const elsewhere of ["outside", "cgroup/../outside", "./cgroup/cpu/../../outside"]) {
    test(`is left to the runtime where a group is at ${elsewhere}`, async () => {
      await withContainer(async ({ stateDirectory, cgroupRoot, groups }) => {
        const dir = path.dirname(cgroupRoot);
        fs.mkdirSync(path.join(dir, "outside"));
        const file = path.join(stateDirectory, "state.json");
        const state = JSON.parse(fs.readFileSync(file, "utf8"));
        state.cgroup_paths.blkio = `${dir}/${elsewhere}`;
        fs.writeFileSync(file, JSON.stringify(state));
        assert.equal(
          await removeEnded({ stateDirectory, cgroupRoot, pid: PID, systemdCgroup: false }),
          false,
        );
        for (const each of [...groups, path.join(dir, "outside")]) assert.equal(fs.existsSync(each), true);
      });
    });
  }

  test("is left to the runtime where there is none", async () => {
    assert.equal(
      await removeEnded({ stateDirectory: "/no such directory", pid: PID, systemdCgroup: false }),
      false,
    );
  });
});

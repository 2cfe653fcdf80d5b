import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { containerdVersion, ebbRuntime } from "../../lab/containerd-config.ts";
import { defaultRuncOptions, optionsFromJson } from "../../src/oci/options.ts";
import { noContainersReason, realBinary } from "../oci/helpers.ts";
import { type CriScene, startCriScene } from "./cri-scene.ts";
import { EBB } from "./runtimes.ts";
import { bundlePath } from "./scene.ts";

const skip = EBB.skip || noContainersReason("crun");

/** Whether CRI hands on the table itself: before 1.7 only the path of a file that is in it. */
function handsOnTables(): boolean {
  const [major, minor] = containerdVersion();
  return major > 1 || minor >= 7;
}

describe("the options that containerd's configuration has for CRI", () => {
  let dir = "";
  before(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-test-options-"));
  });
  after(() => fs.rmSync(dir, { recursive: true }));

  /** crun, and a list of how it was called. */
  function recordedCrun(): { binary: string; calls: () => string } {
    const binary = path.join(dir, "recorded-crun");
    const list = path.join(dir, "calls");
    const script = `#!/bin/sh\necho "$@" >> ${list}\nexec ${realBinary(dir, "crun")} "$@"\n`;
    fs.writeFileSync(binary, script, { mode: 0o755 });
    return { binary, calls: () => fs.readFileSync(list, "utf8") };
  }

  /** Runs a pod with a container that ends by itself, under a containerd with these options. */
  async function runPod(options: string, look: (scene: CriScene, id: string) => void): Promise<void> {
    const scene = await startCriScene({ criRuntimes: ebbRuntime(options) });
    try {
      const pod = await scene.cri.runPod("options", "ebb", `/${scene.containerd.cgroupParent}`);
      const container = await scene.cri.runContainer(pod, "main", ["sleep", "1000"]);
      look(scene, container);
      await scene.cri.stopPod(pod.id);
      await scene.cri.removePod(pod.id);
    } finally {
      await scene.dispose();
    }
  }

  const forms: (readonly [name: string, inTable: boolean])[] = [
    ["in a file that it names", false],
    ...(skip === false && handsOnTables() ? ([["in the table of the runtime", true]] as const) : []),
  ];
  for (const [name, inTable] of forms) {
    test(`arrive and work ${name}`, { skip }, async () => {
      const { binary, calls } = recordedCrun();
      const root = path.join(dir, `root-${inTable}`);
      const lines = `BinaryName = "${binary}"\nRoot = "${root}"\nSystemdCgroup = false\n`;
      const file = path.join(dir, "runc.toml");
      fs.writeFileSync(file, lines);
      await runPod(inTable ? lines : `ConfigPath = "${file}"\n`, ({ containerd }, id) => {
        const written = fs.readFileSync(path.join(bundlePath(containerd, id), "options.json"), "utf8");
        const expected = { ...defaultRuncOptions, binaryName: binary, root };
        assert.deepEqual(optionsFromJson(written, "options.json"), expected);
        assert.ok(fs.existsSync(path.join(root, containerd.namespace, id)), "crun has no state of it");
      });
      const made = calls()
        .split("\n")
        .filter((line) => line.includes(" create "));
      assert.equal(made.length, 2);
      assert.ok(made.every((line) => line.includes(`--root ${root}/`) && !line.includes("--systemd-cgroup")));
    });
  }
});

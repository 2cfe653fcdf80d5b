import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { parse, type TomlTable } from "smol-toml";
import { configVersion, containerdVersion } from "../../lab/containerd-config.ts";
import { processes } from "../../lab/leftovers.ts";
import { startCriScene } from "./cri-scene.ts";
import { EBB, SHIM_DIR } from "./runtimes.ts";

const SHIM = "containerd-shim-ebb-v2";
const page = readFileSync(path.join(import.meta.dirname, "../../docs/install.md"), "utf8");

/** The page's tables for CRI, and which daemons each is for. */
const TABLES = [
  ...page.matchAll(/<!-- tested: version (\d)(?:, (since|before) 1\.7)? -->\n```toml\n([^`]+)```/g),
].map(([, version = "", bound, toml = ""]) => ({ version: Number(version), bound, toml }));

/** The tables for the daemon that is installed. */
function tables() {
  const [major, minor] = containerdVersion();
  const isNew = major > 1 || minor >= 7;
  const left = isNew ? "before" : "since";
  return TABLES.filter(({ version, bound }) => version === configVersion() && bound !== left);
}

/** The table of the runtime, wherever a version has CRI's settings. */
function runtimeIn(toml: string): TomlTable {
  const plugins = Object.values(parse(toml).plugins as Record<string, { containerd: TomlTable }>);
  return (plugins[0]?.containerd.runtimes as { ebb: TomlTable } | undefined)?.ebb ?? {};
}

/** The words of a process's command line. */
function commandLine(pid: number): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
}

describe("the page about installing", () => {
  test("says the same of every version", () => {
    const current = TABLES.filter(({ bound }) => bound !== "before");
    const [newer, older] = [3, 2].map((wanted) =>
      current.filter(({ version }) => version === wanted).map(({ toml }) => runtimeIn(toml)),
    );
    assert.equal(newer?.length, 3);
    assert.deepEqual(newer, older);
  });

  test("marks every table", () => {
    assert.equal(TABLES.length, page.match(/^```toml$/gm)?.length);
  });

  for (const [index, { toml }] of tables().entries()) {
    test(`has a table of CRI, number ${index + 1}, with which the installed containerd runs a pod by our shim`, {
      skip: EBB.skip,
    }, async () => {
      const scene = await startCriScene({ criRuntimes: toml.replaceAll("/opt/ebb", SHIM_DIR) });
      try {
        const pod = await scene.cri.runPod("installed", "ebb", `/${scene.containerd.cgroupParent}`);
        await scene.cri.runContainer(pod, "main", ["sleep", "1000"]);
        const commands = processes(scene.containerd.scope([pod.id])).map(({ pid }) => commandLine(pid));
        const shims = commands.filter((words) => words.includes(pod.id));
        assert.deepEqual([...new Set(shims.map(([program = ""]) => path.basename(program)))], [SHIM]);
        await scene.cri.stopPod(pod.id);
        await scene.cri.removePod(pod.id);
      } finally {
        await scene.dispose();
      }
    });
  }
});

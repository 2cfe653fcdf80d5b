import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { parse, type TomlTable } from "smol-toml";
import { configVersion, containerdVersion } from "../../lab/containerd-config.ts";
import { processes } from "../../lab/leftovers.ts";
import { programPath } from "../support/shim-process.ts";
import { startCriScene } from "./cri-scene.ts";
import { EBB, SHIM_DIR } from "./runtimes.ts";

const INSTALL = "docs/install.md";

/** A page's text. */
function pageText(page: string): string {
  return readFileSync(path.join(import.meta.dirname, "../..", page), "utf8");
}

/** The tables for CRI that pages print, and which daemons each is for. */
const TABLES = [INSTALL, "docs/config.md", "README.md"].flatMap((page) =>
  [
    ...pageText(page).matchAll(
      /<!-- tested: version (\d)(?:, (since|before) 1\.7)? -->\n```toml\n([^`]+)```/g,
    ),
  ].map(([, version = "", bound, toml = ""]) => ({ page, version: Number(version), bound, toml })),
);

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

describe("the pages about installing", () => {
  test("say the same of every version", () => {
    const current = TABLES.filter(({ page, bound }) => page === INSTALL && bound !== "before");
    const [newer, older] = [3, 2].map((wanted) =>
      current.filter(({ version }) => version === wanted).map(({ toml }) => runtimeIn(toml)),
    );
    assert.equal(newer?.length, 3);
    assert.deepEqual(newer, older);
  });

  test("mark every table", () => {
    const ofPage = TABLES.filter(({ page }) => page === INSTALL);
    assert.equal(ofPage.length, pageText(INSTALL).match(/^```toml$/gm)?.length);
  });

  for (const [index, { page, toml }] of tables().entries()) {
    test(`have what the installed containerd needs to run a pod by our shim: number ${index + 1}, of ${page}`, {
      skip: EBB.skip,
    }, async () => {
      // The daemon's file names no other runtimes than the page does.
      const scene = await startCriScene({ criRuntimes: toml.replaceAll("/opt/ebb", SHIM_DIR) });
      try {
        const pod = await scene.cri.runPod("installed", "ebb", `/${scene.containerd.cgroupParent}`);
        await scene.cri.runContainer(pod, "main", ["sleep", "1000"]);
        const commands = processes(scene.containerd.scope([pod.id])).map(({ pid }) => commandLine(pid));
        const shims = commands.filter((words) => words.includes(pod.id));
        assert.deepEqual(
          [...new Set(shims.map(([program = ""]) => path.basename(program)))],
          [path.basename(programPath)],
        );
        await scene.cri.stopPod(pod.id);
        await scene.cri.removePod(pod.id);
      } finally {
        await scene.dispose();
      }
    });
  }
});

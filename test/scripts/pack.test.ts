import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { makeBusyboxRootfs } from "../../lab/busybox-rootfs.ts";
import { noContainers } from "../client/support.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** An import of everything, with a use that only the right types allow. */
const USES = `import { runContainer, type ContainerExit } from "ebb/client";
import { events, taskV3 } from "ebb/proto";
import { connect, createClient, Server, StatusCode } from "ebb/ttrpc";
const known: readonly unknown[] = [runContainer, connect, createClient, Server, StatusCode.notFound, taskV3];
const forward: string = events.methods.forward.name;
const exit: ContainerExit | undefined = undefined;
if (forward !== "Forward" || known.some((one) => one === undefined) || exit !== undefined) throw new Error("something is missing");
`;

describe("what npm pack makes, installed into an empty folder,", () => {
  let dir = "";
  let files: string[] = [];
  const run = (file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    execFileSync(file, [...args], { cwd: dir, encoding: "utf8", env: { ...process.env, ...env } });
  const bin = (name: string) => path.join(dir, "node_modules/.bin", name);

  before(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-test-pack-"));
    // Its files are built already: to build here once more would take the ones that other tests use away.
    const pack = ["pack", "--ignore-scripts", "--json", "--pack-destination", dir];
    const told = execFileSync("npm", pack, { cwd: root, encoding: "utf8" });
    const [{ filename, files: packed }] = JSON.parse(told) as [
      { filename: string; files: { path: string }[] },
    ];
    files = packed.map((file) => file.path);
    run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", path.join(dir, filename)]);
  });
  after(() => fs.rmSync(dir, { recursive: true, force: true }));

  test("has what users need, and nothing else", () => {
    const tops = new Set(
      files.map((file) =>
        file
          .split("/")
          .slice(0, file.startsWith("dist/") ? 2 : 1)
          .join("/"),
      ),
    );
    assert.deepEqual(
      [...tops].sort(),
      [
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "dist/containerd-shim-ebb",
        "dist/containerd-shim-ebb-v2",
        "dist/lib",
        "docs",
        "package.json",
        "proto",
      ].sort(),
    );
  });

  test("has what the README links to", () => {
    const readme = fs.readFileSync(path.join(root, "README.md"), "utf8");
    const pages = [...readme.matchAll(/\]\((docs\/[^)#]+)/g)].map(([, page = ""]) => page);
    assert.ok(pages.length > 0);
    assert.deepEqual(
      pages.filter((page) => !files.includes(page)),
      [],
    );
  });

  test("has both programs", () => {
    const { version } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")) as {
      version: string;
    };
    assert.equal(run(bin("ebb"), ["--version"]).trim(), version);
    assert.ok(run(bin("containerd-shim-ebb-v2"), ["-v"]).includes(version));
  });

  test("runs a container, with the shim that came along", { skip: noContainers }, async () => {
    const rootfs = path.join(dir, "rootfs");
    await makeBusyboxRootfs(rootfs);
    const env = {
      EBB_STATE: path.join(dir, "state"),
      EBB_IMAGES_DIR: path.join(dir, "images"),
      EBB_SUPERVISOR_IDLE: "0.1",
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    };
    const args = ["run", "--rm", "--rootfs", rootfs, "--", "echo", "hello"];
    assert.equal(run(bin("ebb"), args, env), "hello\n");
  });

  for (const [name, program] of [
    ["Node", "node"],
    ["Bun", process.execPath],
  ] as const) {
    test(`is imported by ${name}`, () => {
      const file = path.join(dir, "uses.mjs");
      fs.writeFileSync(
        file,
        USES.replace(", type ContainerExit", "")
          .replace(": readonly unknown[]", "")
          .replace(": string", "")
          .replace(": ContainerExit | undefined", ""),
      );
      run(program, [file]);
    });
  }

  test("has types that stand up to a strict check", () => {
    fs.writeFileSync(path.join(dir, "uses.mts"), USES);
    const types = path.join(root, "node_modules/@types");
    const strict = [
      "--noEmit",
      "--strict",
      "--target",
      "es2023",
      "--module",
      "nodenext",
      "--typeRoots",
      types,
      "--types",
      "node",
    ];
    run(path.join(root, "node_modules/.bin/tsc"), [...strict, "uses.mts"]);
  });
});

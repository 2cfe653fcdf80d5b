import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, describe, test } from "node:test";
import { command } from "../../../lab/command.ts";
import { until } from "../../../lab/until.ts";
import { StatusCode } from "../../../src/base/status.ts";
import type { ContainerConfig } from "../../../src/client/daemon/container-config.ts";
import { mountsAt } from "../../../src/client/mounts.ts";
import { usualSocket } from "../../../src/client/shim-process.ts";
import { script } from "../../support/files.ts";
import { status } from "../../support/status.ts";
import { installedShims, makePlace, noContainers, openFiles, scratchDir } from "../support.ts";
import { FakeShims } from "./fake-shims.ts";
import { supervisorPlace } from "./supervisor-place.ts";
import { startSupervisorProcess } from "./supervisor-process.ts";

const dir = scratchDir();
const stateDir = path.join(dir, "state");
const rootfs = path.join(dir, "rootfs");
mkdirSync(path.join(rootfs, "etc"), { recursive: true });
writeFileSync(path.join(rootfs, "etc/passwd"), "root:x:0:0::/:/bin/sh\napp:x:7:8::/:/bin/sh\n");
const shims = new FakeShims(dir, stateDir);
const place = supervisorPlace(
  { stateDir, rootfs, namespace: "create", leftovers: async () => [] },
  shims.runtime,
);
const limits = { launchMs: 500, createMs: 500, backOff: { firstMs: 10, maxMs: 100 } };

/** What there is of containers in a supervisor's directories. */
async function remains(imagesDir = place.options.imagesDir): Promise<string[]> {
  const names = (parent: string) => (existsSync(parent) ? readdirSync(parent) : []);
  await until("what was removed to go", () =>
    names(path.join(imagesDir, "containers")).length === 0 ? true : undefined,
  );
  return [
    ...names(path.join(imagesDir, "containers")),
    ...names(path.join(stateDir, "containers")),
    ...names(path.join(stateDir, "bundles")),
    ...names(stateDir).filter((name) => !["events", "bundles", "containers"].includes(name)),
    ...(await mountsAt(stateDir)),
    ...openFiles(path.join(stateDir, "bundles")),
  ];
}

describe("a container that cannot be made leaves nothing", { skip: noContainers }, () => {
  const shimOf = (body: string) => script(dir, `shim${Math.random()}`, `for last; do :; done\n${body}`);
  const rows: [what: string, more: () => Partial<ContainerConfig>, code: StatusCode, message: RegExp][] = [
    ["a shim that is not there", () => ({ runtime: "/none/shim" }), StatusCode.notFound, /\/none\/shim/],
    ["a stop signal that is none", () => ({ stopSignal: "SIGNONE" }), StatusCode.invalidArgument, /SIGNONE/],
    ["a layer that is not there", () => ({ lowerDirs: ["/none"] }), StatusCode.notFound, /\/none/],
    ["a user that the image has not", () => ({ user: "nobody" }), StatusCode.notFound, /no user "nobody"/],
    ["a group that the image has not", () => ({ user: "app:x" }), StatusCode.notFound, /no group "x"/],
    [
      "a mount that is not there",
      () => ({ mounts: [{ source: "/none", destination: "/mnt", readOnly: true }] }),
      StatusCode.notFound,
      /\/none, to be mounted on \/mnt/,
    ],
    [
      "a shim that fails",
      () => ({ runtime: shimOf("echo broken >&2; exit 1") }),
      StatusCode.unknown,
      /broken/,
    ],
    [
      "a shim that hangs",
      () => ({ runtime: shimOf("exec sleep 60") }),
      StatusCode.deadlineExceeded,
      /launching/,
    ],
    [
      "a shim that answers nothing of use",
      () => ({ runtime: shimOf("echo hello") }),
      StatusCode.invalidArgument,
      /hello/,
    ],
    [
      "a shim that listens nowhere",
      () => ({ runtime: shimOf("[ $last = delete ] || echo unix:///none") }),
      StatusCode.unavailable,
      /none/,
    ],
  ];
  for (const [what, more, code, message] of rows) {
    test(`for ${what}`, async () => {
      const supervisor = await place.open({ limits });
      await assert.rejects(supervisor.create(place.config("c", ["true"], more())), status(code, message));
      assert.deepEqual(supervisor.list(), []);
      assert.deepEqual(await remains(), []);
      await supervisor.close();
    });
  }

  for (const id of ["../escaped", "a/b", ".x", ""]) {
    test(`for the id ${JSON.stringify(id)}`, async () => {
      const supervisor = await place.open({ limits });
      const refused = status(StatusCode.invalidArgument, /id .* is not allowed/);
      await assert.rejects(supervisor.create(place.config(id, ["true"])), refused);
      const exec = { execId: id, args: ["true"], env: [], terminal: false, stdio: {} };
      await assert.rejects(supervisor.exec("c", exec), refused);
      assert.deepEqual(supervisor.list(), []);
      assert.deepEqual(await remains(), []);
      await supervisor.close();
    });
  }

  test("for a namespace that is none, which no supervisor opens for", async () => {
    const refused = status(StatusCode.invalidArgument, /namespace "..\/x" is not allowed/);
    await assert.rejects(place.open({ namespace: "../x" }), refused);
  });

  test("for a shim that is killed after it listens and before it says where", async () => {
    const command = { namespace: "create", id: "c", address: path.join(stateDir, "ebb.sock") };
    const socket = usualSocket(command);
    mkdirSync(path.dirname(socket), { recursive: true });
    const supervisor = await place.open({ limits });
    const runtime = shimOf(`[ $last = delete ] || { : > ${socket}; kill -9 $$; }`);
    await assert.rejects(supervisor.create(place.config("c", ["true"], { runtime })), /start failed/);
    assert.equal(existsSync(socket), false);
    await supervisor.close();
  });

  test("for a Create that fails, or that hangs; a good one follows, and its id is taken then", async () => {
    await shims.serve();
    const supervisor = await place.open({ limits });
    for (const [answer, code] of [
      [() => Promise.reject(new Error("no runc")), StatusCode.internal],
      [() => new Promise<never>(() => {}), StatusCode.deadlineExceeded],
    ] as const) {
      shims.task.create = answer;
      await assert.rejects(supervisor.create(place.config("c", ["true"])), status(code, /./));
      assert.deepEqual(supervisor.list(), []);
      assert.deepEqual(await remains(), []);
    }
    delete shims.task.create;
    await supervisor.create(place.config("c", ["true"], { user: "app" }));
    await assert.rejects(
      supervisor.create(place.config("c", ["true"])),
      status(StatusCode.alreadyExists, /container c exists already/),
    );
    await supervisor.remove("c", { force: true });
    assert.deepEqual(await remains(), []);
    await supervisor.close();
    await shims.stop();
  });

  test("for a disk that is full", async () => {
    const small = path.join(dir, "small");
    mkdirSync(small);
    await command("mount", ["-t", "tmpfs", "-o", "size=64k,nr_inodes=64", "none", small]);
    after(() => command("umount", ["-l", small]));
    const supervisor = await place.open({ imagesDir: small, limits });
    try {
      mkdirSync(path.join(small, "containers"));
      const ballast = fill(small);
      // Room for its directory, for each of the two links in it as well, for one of its two directories.
      for (const free of [0, 1, 2, 3, 4]) {
        for (const file of ballast.slice(0, free)) rmSync(file);
        const making = supervisor.create(place.config("c", ["true"]));
        await assert.rejects(making, status(StatusCode.resourceExhausted, /ENOSPC/));
        assert.deepEqual(supervisor.list(), []);
        assert.deepEqual(await remains(small), []);
        for (const file of ballast.slice(0, free)) writeFileSync(file, "");
      }
    } finally {
      await supervisor.close();
    }
  });

  test("for a supervisor that is killed while the shim starts; the next one cleans up", async () => {
    const mark = path.join(dir, "mark");
    const runtime = shimOf(`[ $last = delete ] || { touch ${mark}; exec sleep 60; }`);
    const first = startSupervisorProcess(place.options, [place.config("c", ["true"], { runtime })]);
    await until("the shim to start", () => (existsSync(mark) ? true : undefined));
    await first.kill();
    const second = await place.open({ limits });
    await until("it to be gone", () => (second.list().length === 0 ? true : undefined));
    assert.deepEqual(await remains(), []);
    await second.close();
  });
});

/** Makes as many files as there is room for. */
function fill(dir: string): string[] {
  const files: string[] = [];
  for (;;) {
    const file = path.join(dir, `ballast${files.length}`);
    try {
      writeFileSync(file, "");
    } catch {
      return files;
    }
    files.push(file);
  }
}

for (const shim of installedShims()) {
  const bench = makePlace(`ebb-test-make-${shim.bootstrap ? "own" : "go"}`);
  const real = supervisorPlace(bench, shim.runtime);

  test(`${shim.name} without its runc: one clear error, and nothing is left`, {
    skip: noContainers,
  }, async () => {
    const bin = path.join(scratchDir(), "bin");
    mkdirSync(bin);
    for (const program of ["sh", "mkfifo", "rm", "umount"])
      symlinkSync(`/usr/bin/${program}`, path.join(bin, program));
    const supervisor = await real.open();
    const { PATH } = process.env;
    const [runtime = ""] = (
      await command("sh", ["-c", `command -v ${shim.runtime.includes("/") ? shim.runtime : shim.name}`])
    ).stdout.split("\n");
    process.env.PATH = bin;
    try {
      await assert.rejects(supervisor.create(real.config("c", ["true"], { runtime })), (error: Error) =>
        /runc/.test(error.message),
      );
    } finally {
      process.env.PATH = PATH;
    }
    assert.deepEqual(supervisor.list(), []);
    assert.deepEqual(await real.leftovers(["c"]), []);
    await supervisor.close();
  });
}

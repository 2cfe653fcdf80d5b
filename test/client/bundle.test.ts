import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { hasCode, StatusCode } from "../../src/base/status.ts";
import { createBundle, removeBundle } from "../../src/client/bundle.ts";
import { mountPointsIn, mountsAt, unmountAll } from "../../src/client/mounts.ts";
import { defaultSpec } from "../../src/client/spec.ts";
import { scratchDir } from "./support.ts";

const root = path.join(scratchDir(), "bundles");
const noRoot = process.getuid?.() === 0 ? false : "needs root to mount";

function options(id: string, namespace = "test") {
  return { root, namespace, id, spec: defaultSpec({ namespace, id, args: ["true"] }) };
}

describe("a bundle", () => {
  test("is a directory for its owner alone, with a rootfs and a config.json", async () => {
    const bundle = await createBundle(options("plain"));
    assert.equal(bundle.path, path.join(root, "test/plain"));
    assert.equal(statSync(bundle.path).mode & 0o777, 0o700);
    assert.equal(statSync(bundle.rootfs).mode & 0o777, 0o711);
    const spec = JSON.parse(readFileSync(path.join(bundle.path, "config.json"), "utf8"));
    assert.equal(spec.linux.cgroupsPath, "/test/plain");
    await bundle.remove();
    assert.equal(existsSync(bundle.path), false);
  });

  test("is refused when one with the same id is there, which stays", async () => {
    const bundle = await createBundle(options("twice"));
    await assert.rejects(createBundle(options("twice")), (error: unknown) =>
      hasCode(error, StatusCode.alreadyExists),
    );
    assert.ok(existsSync(path.join(bundle.path, "config.json")));
    await bundle.remove();
  });

  test("may have the id of one in another namespace", async () => {
    const bundles = [await createBundle(options("same", "a")), await createBundle(options("same", "b"))];
    for (const bundle of bundles) await bundle.remove();
    assert.equal(existsSync(path.join(root, "a")), false);
  });

  for (const id of ["", ".", "..", "a/b", "-a", "a..b", "a b", "ä", "x".repeat(77)]) {
    test(`is refused with the id ${JSON.stringify(id)}`, async () => {
      await assert.rejects(createBundle(options(id)), (error: unknown) =>
        hasCode(error, StatusCode.invalidArgument),
      );
      await assert.rejects(createBundle(options("good", id)), (error: unknown) =>
        hasCode(error, StatusCode.invalidArgument),
      );
    });
  }

  test("is removed also where an earlier removal of one with its id was cut short", async () => {
    const bundle = await createBundle(options("again"));
    mkdirSync(path.join(root, "test/.again"));
    writeFileSync(path.join(root, "test/.again/config.json"), "{}");
    await bundle.remove();
    assert.equal(existsSync(path.join(root, "test")), false);
  });

  test("leaves nothing behind when it cannot be made whole", async () => {
    const spec = { ...options("half").spec, toJSON: () => assert.fail("no json") };
    await assert.rejects(createBundle({ ...options("half"), spec }));
    assert.equal(existsSync(path.join(root, "test")), false);
  });

  test("is removed twice without complaint, and with what a shim left in it", async () => {
    const bundle = await createBundle(options("left"));
    writeFileSync(path.join(bundle.path, "address"), "x");
    mkdirSync(path.join(bundle.path, "deep/er"), { recursive: true });
    await bundle.remove();
    await bundle.remove();
    assert.equal(existsSync(bundle.path), false);
  });

  test("vanishes under its name at once: nobody sees half of it", async () => {
    const bundle = await createBundle(options("atomic"));
    for (let at = 0; at < 2000; at += 1) writeFileSync(path.join(bundle.path, `f${at}`), "");
    const removal = bundle.remove();
    while (existsSync(path.join(bundle.path, "f0"))) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(existsSync(bundle.path), false);
    await removal;
    assert.equal(existsSync(path.join(root, "test")), false);
  });

  test("keeps files that are in its rootfs without a mount, and says so", async () => {
    const bundle = await createBundle(options("files"));
    writeFileSync(path.join(bundle.rootfs, "precious"), "x");
    await assert.rejects(bundle.remove(), { code: "ENOTEMPTY" });
    assert.ok(existsSync(path.join(bundle.rootfs, "precious")));
    execFileSync("rm", ["-r", bundle.rootfs]);
    await removeBundle(bundle.path);
  });

  test("unmounts what is left on its rootfs, and deletes nothing through it", { skip: noRoot }, async () => {
    const source = path.join(root, "source");
    mkdirSync(path.join(source, "sub"), { recursive: true });
    writeFileSync(path.join(source, "precious"), "x");
    const bundle = await createBundle(options("mounted"));
    execFileSync("mount", ["--bind", source, bundle.rootfs]);
    execFileSync("mount", ["--bind", source, path.join(bundle.rootfs, "sub")]);
    await bundle.remove();
    assert.deepEqual(await mountsAt(bundle.path), []);
    assert.deepEqual(readdirSync(source).sort(), ["precious", "sub"]);
    assert.equal(existsSync(bundle.path), false);
  });

  test("lets go of a mount that is in use", { skip: noRoot }, async () => {
    const bundle = await createBundle(options("busy"));
    execFileSync("mount", ["-t", "tmpfs", "none", bundle.rootfs]);
    const before = process.cwd();
    process.chdir(bundle.rootfs);
    try {
      await unmountAll(bundle.rootfs);
      assert.deepEqual(await mountsAt(bundle.rootfs), []);
    } finally {
      process.chdir(before);
    }
    await bundle.remove();
  });
});

describe("mount points", () => {
  const line = (point: string) => `36 35 98:0 / ${point} rw,noatime - ext3 /dev/root rw`;

  test("are listed deepest and newest first, and only those at and below the directory", () => {
    const text = ["/a", "/a/b", "/ab", "/a/b/c", "/a/b", "/other"].map(line).join("\n");
    assert.deepEqual(mountPointsIn(text, "/a"), ["/a/b/c", "/a/b", "/a/b", "/a"]);
  });

  test("have the characters that the kernel escapes", () => {
    assert.deepEqual(mountPointsIn(line("/a/with\\040space\\134"), "/a"), ["/a/with space\\"]);
  });

  test("are none in an empty text", () => {
    assert.deepEqual(mountPointsIn("", "/a"), []);
  });
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { containerd, runtimeoptions } from "../../src/proto/index.ts";
import { noContainersReason, realBinary } from "../oci/helpers.ts";
import { fakeRuntime, runExec, wholeStory } from "./exec-scene.ts";
import { NAMESPACE, noContainers, refused, Workshop } from "./harness.ts";

const shop = new Workshop();
const skip = noContainers;
const noCrun = skip || noContainersReason("crun");

const runcOptions = (options: containerd.runc.v1.IOptions) => ({
  typeUrl: "containerd.runc.v1.Options",
  value: containerd.runc.v1.Options.encode(options).finish(),
});
const genericOptions = (options: runtimeoptions.v1.IOptions) => ({
  typeUrl: "runtimeoptions.v1.Options",
  value: runtimeoptions.v1.Options.encode(options).finish(),
});
const tomlOptions = (text: string) => genericOptions({ configBody: Buffer.from(text) });

/** crun as this host can run it. */
const crun = () => realBinary(shop.dir, "crun");

/** A container from its creation to its deletion, with an exec between, under whatever runtime the options name. */
async function live(id: string, options: ReturnType<typeof runcOptions>, root: string): Promise<void> {
  const env = { PATH: `${path.dirname(crun())}:${process.env.PATH}` };
  const { task, shim } = await shop.create(id, { options }, env);
  assert.ok(fs.existsSync(path.join(root, NAMESPACE, id)), `no state in ${root}`);
  await task.start({ id });
  await runExec({ task }, id, "e", ["sh", "-c", "exit 3"]);
  assert.equal((await task.wait({ id, execId: "e" })).exitStatus, 3);
  await task.delete({ id, execId: "e" });
  await task.kill({ id, signal: 9 });
  assert.equal((await task.wait({ id })).exitStatus, 137);
  await task.delete({ id });
  assert.deepEqual(fs.readdirSync(path.join(root, NAMESPACE)), []);
  const told = await wholeStory(shop, id);
  assert.deepEqual(told.slice(-3), ["exit e 3", "exit init 137", "delete init"]);
  await shim.task.shutdown({ id });
}

describe("the OCI runtime", () => {
  test("may be crun, by its name", { skip: noCrun }, async () => {
    const root = path.join(shop.dir, "crun-named");
    await live("crun1", runcOptions({ binaryName: "crun", root }), root);
  });

  test("may be crun, as containerd's configuration for CRI says it", { skip: noCrun }, async () => {
    const root = path.join(shop.dir, "crun-body");
    await live("crun2", tomlOptions(`BinaryName = "crun"\nRoot = "${root}"\nSystemdCgroup = false\n`), root);
  });

  test("may be crun, as a file says it", { skip: noCrun }, async () => {
    const root = path.join(shop.dir, "crun-file");
    const configPath = path.join(shop.dir, "crun.toml");
    fs.writeFileSync(configPath, `BinaryName = "${crun()}"\nRoot = "${root}"\n`);
    await live("crun3", genericOptions({ configPath }), root);
  });

  test("is told each option that is for it", { skip }, async () => {
    const fake = fakeRuntime(shop, "told", { create: {} });
    const { binaryName, root } = containerd.runc.v1.Options.decode(fake.options.value);
    const flags = "NoPivotRoot = true\nNoNewKeyring = true\nSystemdCgroup = true\n";
    const options = tomlOptions(`BinaryName = "${binaryName}"\nRoot = "${root}"\n${flags}`);
    await shop.create("told", { options });
    const create = fake.calls().find((argv) => argv.includes("create"));
    for (const word of [path.join(root, NAMESPACE), "--systemd-cgroup", "--no-pivot", "--no-new-keyring"]) {
      assert.ok(create?.includes(word), `${word} is not in ${create}`);
    }
  });

  test("is not called where its options have a mistake, which is told with its place", { skip }, async () => {
    const wrong = tomlOptions('BinaryName = "runc"\nSystemdCgroup = "yes"\n');
    const message = /SystemdCgroup must be true or false, not "yes"/;
    await refused(shop.create("wrong", { options: wrong }), StatusCode.invalidArgument, message);
  });
});

describe("a rootfs", () => {
  test("may be a file with a file system in it", { skip }, async () => {
    const image = path.join(shop.dir, "image");
    fs.writeFileSync(image, "");
    fs.truncateSync(image, 64 << 20);
    execFileSync("mkfs.ext4", ["-q", "-d", shop.lower, image]);
    const rootfs = [{ type: "ext4", source: image, target: "", options: ["loop"] }];
    const id = "loop";
    const { task, bundle } = await shop.create(id, { rootfs, args: ["sh", "-c", "echo kept > /kept"] });
    await task.start({ id });
    assert.equal((await task.wait({ id })).exitStatus, 0);
    await task.delete({ id });
    assert.deepEqual(shop.traces(bundle), []);
    // Free, and written: Delete waits for a device.
    const kept = execFileSync("debugfs", ["-R", "cat /kept", image], { stdio: ["ignore", "pipe", "ignore"] });
    assert.equal(kept.toString(), "kept\n");
  });

  test("may have its ids mapped, for a container in a user namespace", { skip }, async () => {
    const id = "idmap";
    const overlay = shop.overlay(id);
    const maps = ["uidmap=0:100000:65536", "gidmap=0:100000:65536"];
    const rootfs = [{ ...overlay, options: [...(overlay.options ?? []), ...maps] }];
    const upper = path.join(shop.dir, "upper", id);
    fs.chownSync(upper, 100_000, 100_000);
    const args = ["sh", "-c", "stat -c %u:%g /bin/busybox > /owner && touch /new"];
    const bundle = await shop.bundle(id, args, {}, (spec) => {
      const mapping = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      const linux = spec.linux as { namespaces: { type: string }[] };
      linux.namespaces.push({ type: "user" });
      Object.assign(linux, { uidMappings: mapping, gidMappings: mapping });
    });
    // As the daemon has it: whoever has another id has to get through to the rootfs.
    for (const dir of [shop.dir, bundle.path]) fs.chmodSync(dir, 0o711);
    const { task } = await shop.launch(bundle);
    await task.create({ id, bundle: bundle.path, rootfs });
    await task.start({ id });
    assert.equal((await task.wait({ id })).exitStatus, 0);
    await task.delete({ id });
    assert.equal(fs.readFileSync(path.join(upper, "owner"), "utf8"), "0:0\n");
    assert.equal(fs.statSync(path.join(upper, "new")).uid, 100_000);
    assert.deepEqual(shop.traces(bundle), []);
  });
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = `linux_${process.arch}`;
const module = path.join(root, `node_modules/@koromix/koffi-linux-${process.arch}/${folder}/koffi.node`);
const skip = process.getuid?.() === 0 ? false : "needs root";
let dir = "";
let program = "";
/** The name of a copy: of which build, and written in which boot. */
const copyName = (boot: string) => `koffi-0123abcd-${boot}.node`;
const COPY = copyName(fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());

/** Calls the compiled program with this temporary directory; it prints from where its module was mapped. */
function run(tmp: string, executable = program): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(executable, [], {
    cwd: "/",
    env: { TMPDIR: tmp, PATH: "/bin" },
  });
  return { status, output: `${stdout}${stderr}`.trim() };
}

before(() => {
  if (skip !== false) return;
  dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-native-"));
  const source = path.join(dir, "probe.ts");
  fs.writeFileSync(
    source,
    `import fs from "node:fs";
     import { loadNativeModule } from ${JSON.stringify(path.join(root, "src/linux/native-module.ts"))};
     try {
       loadNativeModule();
       const mapped = fs.readFileSync("/proc/self/maps", "utf8").split("\\n").find((line) => line.includes("/koffi"));
       console.log(mapped?.slice(mapped.indexOf("/")));
     } catch (err) {
       console.log(String(err));
       process.exit(1);
     }`,
  );
  program = path.join(dir, "bin/probe");
  const compile = JSON.parse(
    fs.readFileSync(path.join(root, "scripts/compile-flags.json"), "utf8"),
  ) as string[];
  const flags = [...compile, "--asset", module, "--define", 'EBB_NATIVE_MODULE="0123abcd"'];
  const { status, stderr } = spawnSync(process.execPath, ["build", source, ...flags, "--outfile", program], {
    cwd: root,
  });
  assert.equal(status, 0, String(stderr));
});
after(() => {
  if (dir !== "") fs.rmSync(dir, { recursive: true });
});

const tmpOf = (name: string) => {
  const tmp = path.join(dir, name);
  fs.mkdirSync(tmp);
  return tmp;
};

describe("the native module of a compiled executable", () => {
  test("is copied to a directory of our own, and the copy is used again", { skip }, () => {
    const tmp = tmpOf("plain");
    const copy = path.join(tmp, `ebb-0/${COPY}`);
    assert.deepEqual(run(tmp), { status: 0, output: copy });
    assert.equal(fs.statSync(path.dirname(copy)).mode & 0o777, 0o700);
    const { ino } = fs.statSync(copy);
    assert.deepEqual(run(tmp), { status: 0, output: copy });
    assert.equal(fs.statSync(copy).ino, ino);
    assert.deepEqual(fs.readdirSync(path.dirname(copy)), [COPY]);
  });

  test("is copied anew in another boot, as a copy may not have reached the disk before", { skip }, () => {
    const tmp = tmpOf("boot");
    const own = path.join(tmp, "ebb-0");
    fs.mkdirSync(own, { mode: 0o700 });
    const earlier = copyName("00000000-0000-4000-8000-000000000000");
    for (const name of [earlier, `${earlier}.77`, "koffi.node", "other"]) {
      fs.writeFileSync(path.join(own, name), Buffer.alloc(fs.statSync(module).size));
    }
    assert.deepEqual(run(tmp), { status: 0, output: path.join(own, COPY) });
    assert.ok(fs.readFileSync(path.join(own, COPY)).equals(fs.readFileSync(module)));
    assert.deepEqual(fs.readdirSync(own).sort(), [COPY, "other"]);
  });

  test("goes elsewhere where the temporary directory allows no executables", { skip }, () => {
    const tmp = tmpOf("noexec");
    spawnSync("mount", ["-t", "tmpfs", "-o", "noexec", "none", tmp]);
    const had = fs.existsSync("/var/lib/ebb");
    const { status, output } = run(tmp);
    spawnSync("umount", [tmp]);
    assert.deepEqual([status, output], [0, `/var/lib/ebb/${COPY}`]);
    if (!had) fs.rmSync("/var/lib/ebb", { recursive: true });
  });

  test("does not go into a directory that others can change", { skip }, () => {
    for (const [name, spoil] of [
      ["writable", (own: string) => fs.chmodSync(own, 0o777)],
      ["foreign", (own: string) => fs.chownSync(own, 65534, 65534)],
    ] as const) {
      const tmp = tmpOf(name);
      const own = path.join(tmp, "ebb-0");
      fs.mkdirSync(own, { mode: 0o700 });
      spoil(own);
      const had = fs.existsSync("/var/lib/ebb");
      assert.deepEqual(run(tmp), { status: 0, output: `/var/lib/ebb/${COPY}` });
      assert.deepEqual(fs.readdirSync(own), []);
      if (!had) fs.rmSync("/var/lib/ebb", { recursive: true });
    }
  });

  test("is taken from beside the executable where it is installed there", { skip }, () => {
    const beside = path.join(path.dirname(program), "koffi.node");
    fs.copyFileSync(module, beside);
    const tmp = tmpOf("beside");
    assert.deepEqual(run(tmp), { status: 0, output: beside });
    assert.deepEqual(fs.readdirSync(tmp), []);
    fs.rmSync(beside);
  });

  test("is not taken from beside where that one is damaged: loading it would crash", { skip }, () => {
    const beside = path.join(path.dirname(program), "koffi.node");
    const whole = fs.readFileSync(module);
    const rows = [
      Buffer.from("broken"),
      whole.subarray(0, whole.length / 2),
      Buffer.concat([whole.subarray(0, -4096), Buffer.alloc(4096)]),
    ];
    for (const [n, bytes] of rows.entries()) {
      fs.writeFileSync(beside, bytes);
      const tmp = tmpOf(`damaged-${n}`);
      assert.deepEqual(run(tmp), { status: 0, output: path.join(tmp, `ebb-0/${COPY}`) });
    }
    fs.rmSync(beside);
  });

  test("leaves no half a copy where the disk is full", { skip }, () => {
    const tmp = tmpOf("full");
    spawnSync("mount", ["-t", "tmpfs", "-o", "size=256k", "none", tmp]);
    const had = fs.existsSync("/var/lib/ebb");
    const { status, output } = run(tmp);
    const left = fs.readdirSync(path.join(tmp, "ebb-0"));
    spawnSync("umount", [tmp]);
    assert.deepEqual([status, output, left], [0, `/var/lib/ebb/${COPY}`, []]);
    if (!had) fs.rmSync("/var/lib/ebb", { recursive: true });
  });

  test("that can be put nowhere says what was tried and what to do", { skip }, () => {
    const tmp = tmpOf("nowhere");
    // In a mount namespace of its own where all three directories allow no executables.
    const places = [tmp, "/var/lib", "/run"]
      .map((place) => `mount -t tmpfs -o noexec none ${place}`)
      .join(" && ");
    const { status, stdout } = spawnSync("unshare", ["-m", "sh", "-c", `${places} && exec ${program}`], {
      env: { TMPDIR: tmp, PATH: process.env.PATH ?? "" },
    });
    assert.equal(status, 1);
    assert.match(
      String(stdout),
      /the native module cannot be loaded \(.*ebb-0.*\/var\/lib\/ebb.*\/run\/ebb.*\): install it as .*\/bin\/koffi\.node/,
    );
  });
});

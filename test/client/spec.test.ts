import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { defaultSpec } from "../../src/client/spec.ts";

const base = { namespace: "ns", id: "c1", args: ["sh", "-c", "true"] };

describe("the spec of a container", () => {
  test("has a namespace of each kind but user and cgroup of its own", () => {
    const types = defaultSpec(base).linux.namespaces.map(({ type }) => type);
    assert.deepEqual(types, ["pid", "ipc", "uts", "mount", "network"]);
  });

  test("has containerd's default mounts", () => {
    const points = defaultSpec(base).mounts.map(({ destination }) => destination);
    assert.deepEqual(points, ["/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys", "/run"]);
  });

  test("gives no new privileges and containerd's fourteen capabilities", () => {
    const { process } = defaultSpec(base);
    assert.equal(process.noNewPrivileges, true);
    for (const set of ["bounding", "effective", "permitted"] as const) {
      assert.equal(process.capabilities[set].length, 14);
      assert.ok(process.capabilities[set].every((name) => name.startsWith("CAP_")));
    }
    assert.equal(process.capabilities.effective.includes("CAP_SYS_ADMIN"), false);
  });

  test("denies all devices but those that a runtime allows by itself", () => {
    assert.deepEqual(defaultSpec(base).linux.resources, { devices: [{ allow: false, access: "rwm" }] });
  });

  test("hides and protects what a container should not reach", () => {
    const { maskedPaths, readonlyPaths } = defaultSpec(base).linux;
    assert.ok(maskedPaths.includes("/proc/kcore") && maskedPaths.includes("/sys/firmware"));
    assert.ok(readonlyPaths.includes("/proc/sys") && readonlyPaths.includes("/proc/sysrq-trigger"));
  });

  test("names cgroup and host after the container", () => {
    const spec = defaultSpec(base);
    assert.equal(spec.linux.cgroupsPath, "/ns/c1");
    assert.equal(spec.hostname, "c1");
    const longest = "x".repeat(76);
    assert.equal(defaultSpec({ ...base, id: longest }).hostname, longest.slice(0, 64));
  });

  test("takes another cgroup, host name, directory, mounts and annotations", () => {
    const mount = { destination: "/data", type: "bind", source: "/srv", options: ["rbind"] };
    const spec = defaultSpec({
      ...base,
      cgroupsPath: "/slow/c1",
      hostname: "box",
      cwd: "/tmp",
      mounts: [mount],
      annotations: { key: "value" },
    });
    assert.equal(spec.linux.cgroupsPath, "/slow/c1");
    assert.equal(spec.hostname, "box");
    assert.equal(spec.process.cwd, "/tmp");
    assert.deepEqual(spec.mounts.at(-1), mount);
    assert.deepEqual(spec.annotations, { key: "value" });
  });

  test("has no annotations unless some are given", () => {
    assert.equal("annotations" in defaultSpec(base), false);
  });

  test("makes the rootfs read-only only on demand", () => {
    assert.equal(defaultSpec(base).root.readonly, false);
    assert.equal(defaultSpec({ ...base, readOnly: true }).root.readonly, true);
  });

  const environments: [title: string, env: string[] | undefined, expected: string[]][] = [
    [
      "the default path alone",
      undefined,
      ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    ],
    ["another path instead", ["PATH=/bin"], ["PATH=/bin"]],
    ["the last of a name", ["A=1", "PATH=/x", "A=2", "B="], ["PATH=/x", "A=2", "B="]],
  ];
  for (const [title, env, expected] of environments) {
    test(`has as its environment ${title}`, () => {
      assert.deepEqual(defaultSpec({ ...base, ...(env === undefined ? {} : { env }) }).process.env, expected);
    });
  }

  test("shares nothing with another spec that a change could reach", () => {
    const first = defaultSpec(base);
    first.process.capabilities.bounding.push("CAP_SYS_ADMIN");
    first.linux.maskedPaths.length = 0;
    const second = defaultSpec(base);
    assert.equal(second.process.capabilities.bounding.length, 14);
    assert.equal(second.process.capabilities.effective.length, 14);
    assert.notEqual(second.linux.maskedPaths.length, 0);
  });
});

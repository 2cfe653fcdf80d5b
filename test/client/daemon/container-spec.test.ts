import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode } from "../../../src/base/status.ts";
import type { ContainerConfig } from "../../../src/client/daemon/container-config.ts";
import { specOf } from "../../../src/client/daemon/container-spec.ts";
import { status } from "../../support/status.ts";
import { configOf } from "./fake-supervisor.ts";

const spec = (more: Partial<ContainerConfig> = {}) =>
  specOf(configOf("c", more), { namespace: "ns", user: undefined });

describe("the spec of a supervised container", () => {
  test("has the limits that were asked for, and none else", async () => {
    const { resources } = (await spec({ memoryBytes: 1 << 26, cpus: 1.5 })).linux;
    assert.deepEqual(resources.memory, { limit: 1 << 26 });
    assert.deepEqual(resources.cpu, { quota: 150_000, period: 100_000 });
    const without = (await spec()).linux.resources;
    assert.deepEqual([without.memory, without.cpu], [undefined, undefined]);
    assert.deepEqual((await spec({ cpus: 0.001 })).linux.resources.cpu, { quota: 1000, period: 100_000 });
  });

  test("has a network namespace of its own, or the host's with its files", async () => {
    const types = async (network: "none" | "host") =>
      (await spec({ network })).linux.namespaces.map(({ type }) => type);
    assert.deepEqual(await types("none"), ["pid", "ipc", "uts", "mount", "network"]);
    assert.deepEqual(await types("host"), ["pid", "ipc", "uts", "mount"]);
    const { mounts } = await spec({ network: "host" });
    assert.deepEqual(
      mounts.filter(({ destination }) => destination === "/etc/hosts"),
      [
        {
          type: "bind",
          source: "/etc/hosts",
          destination: "/etc/hosts",
          options: ["rbind", "rprivate", "ro"],
        },
      ],
    );
    const own = [{ source: "/etc/hostname", destination: "/etc/hosts", readOnly: false }];
    const over = (await spec({ network: "host", mounts: own })).mounts;
    assert.deepEqual(
      over.filter(({ destination }) => destination === "/etc/hosts").map(({ source }) => source),
      ["/etc/hostname"],
    );
  });

  test("mounts what is there, and names what is not", async () => {
    const mount = { source: "/tmp", destination: "/data", readOnly: false };
    const last = (await spec({ mounts: [mount] })).mounts.at(-1);
    assert.deepEqual(last, {
      ...{ type: "bind", source: "/tmp", destination: "/data", options: ["rbind", "rprivate", "rw"] },
    });
    const missing = spec({ mounts: [{ ...mount, source: "/none" }] });
    await assert.rejects(missing, status(StatusCode.notFound, /\/none, to be mounted on \/data/));
  });

  test("has a terminal's TERM unless another was asked for, the host name, the user and the release mode", async () => {
    const { process, hostname, annotations } = await specOf(
      configOf("c", {
        ...{ terminal: true, hostname: "box", releaseMode: "volatile", annotations: { a: "b" } },
        env: ["A=1"],
      }),
      { namespace: "ns", user: { uid: 7, gid: 8, additionalGids: [9] } },
    );
    assert.equal(process.terminal, true);
    assert.ok(process.env.includes("TERM=xterm") && process.env.includes("A=1"));
    assert.deepEqual(process.user, { uid: 7, gid: 8, additionalGids: [9] });
    assert.equal(hostname, "box");
    assert.deepEqual(annotations, { a: "b", "io.containerd.ebb.release": "volatile" });
    const other = await spec({ terminal: true, env: ["TERM=dumb"] });
    assert.deepEqual(
      other.process.env.filter((word) => word.startsWith("TERM=")),
      ["TERM=dumb"],
    );
  });
});

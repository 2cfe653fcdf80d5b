import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { StatusCode, type StatusError } from "../../../src/base/status.ts";
import { groupOf, socketAddress, socketPath } from "../../../src/shim/commands/socket-address.ts";

describe("socketPath", () => {
  test("is the hash of the daemon's address, the namespace and the group, joined as a path", () => {
    const hash = createHash("sha256").update("/run/containerd/containerd.sock/k8s.io/pod1").digest("hex");
    const options = {
      dir: "/run/containerd/s",
      address: "/run/containerd/containerd.sock",
      namespace: "k8s.io",
    };
    const socket = socketPath({ ...options, group: "pod1" });
    assert.equal(socket, `/run/containerd/s/${hash}`);
    assert.equal(socketAddress(socket), `unix:///run/containerd/s/${hash}`);
  });

  test("refuses a directory that leaves no room for it, naming the path and the limit", () => {
    const dir = `/${"d".repeat(60)}`;
    assert.throws(
      () => socketPath({ dir, address: "/a", namespace: "n", group: "g" }),
      (err: StatusError) => {
        assert.equal(err.code, StatusCode.invalidArgument);
        assert.match(
          err.message,
          /^socket path \/d{60}\/[0-9a-f]{64} is 126 bytes long, the kernel takes 107/,
        );
        return true;
      },
    );
  });
});

describe("groupOf", () => {
  const rows: [string, Record<string, string>, string][] = [
    ["a container of its own", {}, "c1"],
    ["a container in a pod", { "io.kubernetes.cri.sandbox-id": "pod1" }, "pod1"],
    ["containerd's own grouping", { "io.containerd.runc.v2.group": "g1" }, "g1"],
    [
      "both, of which containerd's own wins",
      { "io.kubernetes.cri.sandbox-id": "p", "io.containerd.runc.v2.group": "g" },
      "g",
    ],
    ["an empty annotation", { "io.containerd.runc.v2.group": "" }, "c1"],
  ];
  for (const [title, annotations, group] of rows) {
    test(title, () => assert.equal(groupOf("c1", annotations), group));
  }
});

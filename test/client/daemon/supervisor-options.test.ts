import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import type { ContainerConfig } from "../../../src/client/daemon/container-config.ts";
import { makeFifos, openFifoReader, openFifoWriter } from "../../../src/client/fifo.ts";
import { installedShims, makePlace, noContainers } from "../support.ts";
import { supervisorPlace } from "./supervisor-place.ts";

for (const shim of installedShims()) {
  const bench = makePlace(`ebb-test-options-${shim.bootstrap ? "own" : "go"}`);
  const place = supervisorPlace(bench, shim.runtime);
  const { imagesDir } = place.options;

  describe(`a container by ${shim.name}`, { skip: noContainers }, () => {
    /** What a script says in a container with such settings. */
    async function says(script: string, more: Partial<ContainerConfig>): Promise<string> {
      const supervisor = await place.open();
      await supervisor.create(place.config("c", ["sh", "-c", script], more));
      await supervisor.start("c");
      const { exitStatus } = await supervisor.wait("c");
      const output = path.join(place.options.stateDir, "containers/c/layer/output");
      // What went through a terminal is copied to its end while the exit is told, and is whole when the task is deleted.
      const text = await until("its output", () => readFileSync(output, "utf8") || undefined);
      await supervisor.remove("c", { force: false });
      assert.deepEqual(await place.leftovers(["c"]), []);
      await supervisor.close();
      return `${text}${exitStatus}`;
    }

    test("has its user, directory, environment and host name", async () => {
      const more = { user: "nobody", cwd: "/tmp", env: ["A=b c"], hostname: "box" };
      assert.equal(
        await says('id -u; id -g; pwd; echo "$A"; hostname', more),
        "65534\n65534\n/tmp\nb c\nbox\n0",
      );
    });

    test("sees what is mounted, and writes where it may", async () => {
      const shared = path.join(imagesDir, "shared");
      mkdirSync(shared, { recursive: true });
      writeFileSync(path.join(shared, "in"), "hello\n");
      const mounts = [
        { source: shared, destination: "/rw", readOnly: false },
        { source: shared, destination: "/ro", readOnly: true },
      ];
      const script = "exec 2>/dev/null; cat /ro/in; echo out >/rw/out; echo no >/ro/no || echo refused";
      assert.match(await says(script, { mounts }), /^hello\nrefused\n0$/);
      assert.equal(readFileSync(path.join(shared, "out"), "utf8"), "out\n");
      assert.equal(existsSync(path.join(shared, "no")), false);
    });

    test("may not write to its root file system where that is read-only", async () => {
      assert.match(
        await says("exec 2>/dev/null; echo x >/x || echo refused; echo y >/dev/shm/y", { readOnly: true }),
        /refused\n0$/,
      );
    });

    test("has a network of its own with nothing but lo, or the host's", async () => {
      const script = "readlink /proc/self/ns/net; ls /sys/class/net | tr '\\n' ' '";
      const host = readlinkSync("/proc/self/ns/net");
      const own = await says(script, {});
      assert.notEqual(own.split("\n")[0], host);
      assert.match(own, /\nlo 0$/);
      assert.equal((await says(script, { network: "host" })).split("\n")[0], host);
    });

    test("has a terminal where one is asked for, with keys, a size, and all its output in one", async () => {
      const supervisor = await place.open();
      const [stdin = "", stdout = ""] = ["stdin", "stdout"].map((name) => path.join(bench.stateDir, name));
      await makeFifos([stdin, stdout]);
      const reader = openFifoReader(stdout);
      const script = 'read line; stty size; echo "$TERM" "$line" >&2';
      const config = place.config("c", ["sh", "-c", script], { terminal: true, logged: false });
      await supervisor.create(config, { stdin, stdout });
      await supervisor.resize("c", "", { width: 90, height: 30 });
      await supervisor.start("c");
      const writer = await openFifoWriter(stdin, AbortSignal.timeout(10_000));
      await writer.write(Buffer.from("typed\n"));
      assert.equal((await supervisor.wait("c")).exitStatus, 0);
      let text = "";
      for await (const piece of reader) text += Buffer.from(piece).toString();
      assert.equal(text, "typed\r\n30 90\r\nxterm typed\r\n");
      writer.close();
      for (const file of [stdin, stdout]) rmSync(file);
      await supervisor.remove("c", { force: false });
      assert.deepEqual(await place.leftovers(["c"]), []);
      await supervisor.close();
    });

    if (shim.bootstrap) {
      // containerd's shim takes no file for the output of a terminal.
      test("has the output of a terminal, too, in its log", async () => {
        assert.match(await says("tty", { terminal: true }), /\/dev\/(pts\/0|console)\r\n0$/);
      });
    }

    test("ends with 137, and it is known that it was out of memory, when it needs more than it may have", async (t) => {
      const supervisor = await place.open();
      const script = "x=x; while true; do x=$x$x; done";
      await supervisor.create(place.config("c", ["sh", "-c", script], { memoryBytes: 16 << 20, cpus: 0.9 }));
      await supervisor.start("c");
      assert.equal((await supervisor.wait("c")).exitStatus, 137);
      t.diagnostic(`out of memory: ${supervisor.find("c").status.outOfMemory}`);
      await supervisor.remove("c", { force: false });
      assert.deepEqual(await place.leftovers(["c"]), []);
      await supervisor.close();
    });
  });
}

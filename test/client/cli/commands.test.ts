import assert from "node:assert/strict";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import { noContainers } from "../support.ts";
import { type Finished, makeEbbPlace } from "./ebb.ts";

const skip = noContainers;
const place = makeEbbPlace("ebb-commands-test");
const ids: string[] = [];

/** Runs a container by itself; resolves to its id. */
async function detached(id: string, script: string, ...flags: string[]): Promise<string> {
  ids.push(id);
  const args = ["run", "-d", "--name", id, ...flags, "--rootfs", place.rootfs, "--", "sh", "-c", script];
  assert.deepEqual(await place.run(args), { status: 0, stdout: `${id}\n`, stderr: "" });
  return id;
}

/** What a command prints, which has to go well. */
async function printed(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await place.run(args);
  assert.deepEqual([status, stderr], [0, ""], args.join(" "));
  return stdout;
}

interface Listed {
  readonly id: string;
  readonly phase: string;
  readonly pid: number;
  readonly exitStatus: number | null;
}

async function listed(id: string): Promise<Listed | undefined> {
  const list = JSON.parse(await printed("ps", "-a", "--json")) as Listed[];
  return list.find((container) => container.id === id);
}

const FOREVER = "trap 'exit 9' TERM; trap 'echo hup' HUP; echo ready; while :; do usleep 10000; done";

describe("a container that runs by itself", () => {
  test("is listed while it lives, and with -a when it has ended", { skip }, async () => {
    const id = await detached("listed", "sleep 1000");
    assert.match(
      await printed("ps"),
      /^CONTAINER +IMAGE +COMMAND +CREATED +STATUS +PID\n(.*\n)*listed .* running +\d+\n/,
    );
    assert.match(await printed("ps", "-q"), /^listed$/m);
    assert.deepEqual(await printed("kill", id), `${id}\n`);
    await printed("wait", id);
    assert.doesNotMatch(await printed("ps"), /listed/);
    assert.match(await printed("ps", "-a"), /listed .* exited \(137\) .*ago/);
    const { phase, exitStatus } = (await listed(id)) ?? {};
    assert.deepEqual([phase, exitStatus], ["stopped", 137]);
  });

  test("has its output written down, whether it lives or has ended", { skip }, async () => {
    const id = await detached("logged", "echo one; echo two >&2; echo three");
    assert.equal(await printed("wait", id), "0\n");
    assert.equal(await printed("logs", id), "one\ntwo\nthree\n");
    assert.equal(await printed("logs", "--tail", "1", id), "three\n");
    await printed("rm", id);
  });

  test("has its output followed until it ends", { skip }, async () => {
    const id = await detached(
      "followed",
      "echo begun; while [ ! -e /tmp/go ]; do usleep 10000; done; echo done",
    );
    const logs = place.start(["logs", "-f", id]);
    await logs.shows(/begun\n/);
    await printed("exec", id, "touch", "/tmp/go");
    assert.equal(await logs.ended, 0);
    assert.equal(logs.output().stdout, "begun\ndone\n");
  });

  test("is stopped in good order, by what it does about SIGTERM", { skip }, async () => {
    const id = await detached("stopped", FOREVER);
    await until("ready", async () => ((await printed("logs", id)).includes("ready") ? true : undefined));
    assert.equal(await printed("stop", id), `${id}\n`);
    assert.equal((await listed(id))?.exitStatus, 9);
  });

  test("is killed where it does not stop in time", { skip }, async () => {
    const id = await detached("stubborn", "trap '' TERM; echo ready; while :; do usleep 10000; done");
    await until("ready", async () => ((await printed("logs", id)).includes("ready") ? true : undefined));
    await printed("stop", "-t", "0.1", id);
    assert.equal((await listed(id))?.exitStatus, 137);
  });

  test("gets a signal by its name", { skip }, async () => {
    const id = await detached("hup", FOREVER);
    await until("ready", async () => ((await printed("logs", id)).includes("ready") ? true : undefined));
    await printed("kill", "-s", "HUP", id);
    await until("hup", async () => ((await printed("logs", id)).includes("hup") ? true : undefined));
    assert.equal((await listed(id))?.phase, "running");
  });

  test("is found by the beginning of its name, where that is nobody else's", { skip }, async () => {
    await detached("prefix-one", "sleep 1000");
    await detached("prefix-two", "sleep 1000");
    assert.equal(await printed("pause", "prefix-o"), "prefix-one\n");
    const { status, stderr } = await place.run(["pause", "prefix"]);
    assert.equal(status, 1);
    assert.match(stderr, /^ebb: .*prefix-one.*prefix-two/);
    assert.equal((await listed("prefix-one"))?.phase, "paused");
    await printed("unpause", "prefix-one");
    assert.equal((await listed("prefix-one"))?.phase, "running");
    await printed("rm", "-f", "prefix-one", "prefix-two");
  });

  test("is removed only by force while it runs", { skip }, async () => {
    const id = await detached("removed", "sleep 1000");
    const refused = await place.run(["rm", id]);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /^ebb: .*removed/);
    assert.equal(await printed("rm", "-f", id), `${id}\n`);
    assert.equal(await listed(id), undefined);
  });

  test("is gone when it has ended where it was run with --rm", { skip }, async () => {
    const id = await detached("short", "exit 0", "--rm");
    await until("its removal", async () => ((await listed(id)) === undefined ? true : undefined));
  });

  test("has another command run in it, with its streams and exit status", { skip }, async () => {
    const id = await detached("host", "sleep 1000");
    const run = await place.run(
      ["exec", "-e", "A=b c", "-w", "/tmp", id, "sh", "-c", 'cat; echo "$A $PWD" >&2; exit 4'],
      "in\n",
    );
    assert.deepEqual(run, { status: 4, stdout: "in\n", stderr: "b c /tmp\n" });
    assert.equal(await printed("exec", "-u", "65534:65534", id, "id", "-u"), "65534\n");
    assert.equal(await printed("exec", "-u", "nobody", id, "id", "-u"), "65534\n");
    assert.equal((await place.run(["exec", id, "/no/such/program"])).status, 127);
    assert.equal((await place.run(["exec", id, "/etc/passwd"])).status, 126);
  });

  test("passes signals on to a command in it", { skip }, async () => {
    const id = await detached("signals", "sleep 1000");
    const exec = place.start([
      "exec",
      id,
      "sh",
      "-c",
      "trap 'echo caught; exit 9' INT; echo ready; while :; do usleep 10000; done",
    ]);
    await exec.shows(/ready/);
    exec.child.kill("SIGINT");
    assert.equal(await exec.ended, 9);
    assert.equal(exec.output().stdout, "ready\ncaught\n");
  });

  test("shows what it uses, with its limits", { skip }, async () => {
    await detached("busy", "while :; do :; done", "--memory", "64m", "--cpus", "0.5");
    assert.match(
      await printed("stats", "--no-stream", "busy"),
      /^CONTAINER +CPU +MEMORY .*\nbusy +\d+\.\d % +.*64 MiB/,
    );
    const [figures] = JSON.parse(await printed("stats", "--json", "busy"));
    assert.equal(figures.id, "busy");
    assert.equal(figures.memoryLimitBytes, 64 << 20);
    assert.ok(figures.pids >= 1);
    await printed("rm", "-f", "busy");
  });

  test("has what happens to it shown as it happens", { skip }, async () => {
    const events = place.start(["events", "--json", "--since", "1m"]);
    const id = await detached("eventful", "exit 3");
    await printed("wait", id);
    await events.shows(/"event":"exit","container":"eventful","details":\{"pid":\d+,"exitStatus":3\}/);
    const names = events
      .output()
      .stdout.trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { event: string; container: string })
      .filter(({ container }) => container === id)
      .map(({ event }) => event);
    assert.deepEqual(names.slice(0, 3), ["create", "start", "exit"]);
    events.child.kill("SIGINT");
    await events.ended;
  });

  test("sees directories of the host where it was given some", { skip }, async () => {
    const volume = `${place.rootfs}/etc:/data:ro`;
    const args = ["run", "--rm", "-v", volume, "--rootfs", place.rootfs, "--", "sh", "-c"];
    assert.equal(await printed(...args, "cat /data/hosts"), "127.0.0.1 localhost\n");
    const written = await place.run([...args, "touch /data/made"]);
    assert.equal(written.status, 1);
    assert.match(written.stderr, /Read-only/);
  });

  test("has the user, the host name and the network that it was given", { skip }, async () => {
    const args = ["run", "--rm", "--rootfs", place.rootfs];
    const flags = ["--user", "nobody", "--hostname", "here"];
    assert.equal(await printed(...args, ...flags, "--", "sh", "-c", "id -u; hostname"), "65534\nhere\n");
    assert.equal(await printed(...args, "--", "sh", "-c", "ls /sys/class/net"), "lo\n");
    const host = await printed(...args, "--net", "host", "--", "readlink", "/proc/self/ns/net");
    assert.equal(host.trim(), readlinkSync("/proc/self/ns/net"));
  });
});

describe("a supervisor that is killed", () => {
  test("leaves its containers running, and the next one knows them", { skip }, async () => {
    const id = await detached("survivor", FOREVER);
    const { pid } = (await listed(id)) ?? {};
    const logs = place.start(["logs", "-f", id]);
    const attached = place.start([
      "run",
      "--rm",
      "--rootfs",
      place.rootfs,
      "--",
      "sh",
      "-c",
      "echo up; read line; echo $line; exit 6",
    ]);
    await attached.shows(/up/);
    for (const word of ["hello", "again"]) {
      await place.endSupervisor("SIGKILL");
      const now = await listed(id);
      assert.deepEqual([now?.phase, now?.pid], ["running", pid]);
      assert.equal(await printed("exec", id, "echo", word), `${word}\n`);
    }
    attached.child.stdin?.end("on\n");
    assert.equal(await attached.ended, 6, attached.output().stderr);
    assert.equal(attached.output().stdout, "up\non\n");
    assert.equal(await printed("stop", id), `${id}\n`);
    assert.equal(await logs.ended, 0);
    assert.equal((await listed(id))?.exitStatus, 9);
  });

  test("ends by itself when nobody has needed it for a while", { skip }, async () => {
    const alone = makeEnv();
    assert.equal((await place.run(["ps"], "", alone)).status, 0);
    await until("its end", () => (existsSync(`${alone.EBB_STATE}/supervisor.sock`) ? undefined : true));
  });
});

/** A state directory of its own, whose supervisor is not patient. */
function makeEnv() {
  const dir = path.join(path.dirname(place.stateDir), "alone");
  return { EBB_STATE: dir, EBB_IMAGES_DIR: `${dir}-images`, EBB_SUPERVISOR_IDLE: "0.1" };
}

describe("a command about containers", () => {
  const rows: [title: string, args: string[], status: number, message: RegExp][] = [
    ["a container that there is not", ["stop", "nobody"], 1, /^ebb: .*nobody/],
    ["one of several that there is not", ["rm", "-f", "nobody"], 1, /^ebb: .*nobody/],
    ["no container", ["kill"], 1, /container/],
    ["a signal that there is not", ["kill", "-s", "NOPE", "x"], 1, /^ebb: --signal takes/],
    ["a time that is none", ["stop", "-t", "soon", "x"], 1, /^ebb: --time takes/],
    ["a count that is none", ["logs", "--tail", "few", "x"], 1, /^ebb: --tail takes/],
    ["a time that never was", ["events", "--since", "lately"], 1, /^ebb: --since takes/],
    ["a flag that there is not", ["ps", "--nope"], 1, /--nope/],
    ["an exec in a container that there is not", ["exec", "nobody", "true"], 125, /^ebb: .*nobody/],
  ];
  for (const [title, args, status, message] of rows) {
    test(`is refused in one line for ${title}`, { skip }, async () => {
      const run: Finished = await place.run(args);
      assert.match(run.stderr, message);
      assert.deepEqual([run.status, run.stdout], [status, ""]);
    });
  }

  for (const name of "run ps exec logs stop kill rm pause unpause wait stats events supervise".split(" ")) {
    test(`explains itself with an example: ${name}`, { skip }, async () => {
      const help = await printed(name, "--help");
      assert.match(help, new RegExp(`^Usage: ebb ${name}`));
      assert.match(help, new RegExp(`Examples?:\n.*ebb ${name}`));
    });
  }

  test("has no log of what ran in the foreground, and says so", { skip }, async () => {
    ids.push("front");
    await printed("run", "--name", "front", "--rootfs", place.rootfs, "--", "true");
    const { status, stderr } = await place.run(["logs", "front"]);
    assert.equal(status, 1);
    assert.match(stderr, /^ebb: container front has no log/);
    await printed("rm", "front");
  });
});

describe("what all of them leave", () => {
  test("is nothing once the last was removed", { skip }, async () => {
    const left = (await printed("ps", "-aq")).trim().split("\n");
    await printed("rm", "-f", ...left);
    assert.equal(await printed("ps", "-aq"), "");
    assert.deepEqual(await place.leftovers(ids), []);
    await until("what they have written to be gone", () =>
      readdirSync(path.join(place.imagesDir, "containers")).length === 0 ? true : undefined,
    );
  });
});

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "../../lab/until.ts";
import { ebbPath } from "../client/cli/built-ebb.ts";
import { makeEbbPlace } from "../client/cli/ebb.ts";
import { noContainers } from "../client/support.ts";
import { Terminal } from "./terminal.ts";

const SMALL = { columns: 91, rows: 31 };
const LARGE = { columns: 132, rows: 43 };
/** The key that ends what runs in the foreground, by the signal 2. */
const CONTROL_C = "\x03";
const CONTROL_D = "\x04";
/** Does what is typed, and says how large its terminal is whenever it is told of a new size. */
const SIZES = "trap 'stty size' WINCH; echo ready; while :; do read line && eval \"$line\"; done";

const skip = noContainers;
const place = makeEbbPlace("ebb-terminal-test");

/** Somebody at a terminal, in which a shell runs this; `ebb` is there by its name, and says its pid first. */
async function at(script: string, body: (terminal: Terminal) => Promise<void>): Promise<void> {
  const words = `"${process.execPath}" "${ebbPath}" "$@"`;
  const shell = `ebb() { sh -c 'echo "pid $$"; exec "$@"' sh ${words}; }; ${script}`;
  const terminal = new Terminal("sh", ["-c", shell], SMALL, place.env);
  try {
    await body(terminal);
  } finally {
    terminal.close();
  }
}

/** Its size arrives in the container, first and with each change, and so do its keys. */
async function use(terminal: Terminal): Promise<void> {
  await terminal.waitFor(/ready\n/);
  terminal.type("tty; until stty size 2>/dev/null; do usleep 10000; done\n");
  await terminal.waitFor(/\/dev\/(pts\/\d+|console)\n31 91\n/);
  // Nothing is typed: the signal alone has the size printed.
  terminal.resize(LARGE);
  await terminal.waitFor(/43 132\n/);
  terminal.type("sh -c 'echo asleep; exec sleep 1000'\n");
  await terminal.waitFor(/asleep\n/);
  terminal.type(CONTROL_C);
}

/** Says how the terminal is set up before and after, which is to be the same. */
const COMPARE = (script: string) =>
  `before=$(stty -g); ${script}; echo "status $?"; test "$before" = "$(stty -g)" && echo as before`;

describe("a terminal", () => {
  const run = `ebb run -it --rm --rootfs ${place.rootfs}`;

  test("of ebb run -it is the container's, size and keys included, and then as it was", { skip }, () =>
    at(COMPARE(`${run} --name term -- sh -c '${SIZES.replaceAll("'", "'\\''")}'`), async (terminal) => {
      await use(terminal);
      await terminal.waitFor(/status 130\nas before\n/);
      assert.equal(await terminal.exitCode(), 0);
      assert.deepEqual(await place.leftovers(["term"]), []);
    }),
  );

  test("has a shell end by Ctrl-D, with the status of its last command", { skip }, () =>
    at(COMPARE(`${run} -- sh`), async (terminal) => {
      await terminal.waitFor(/\/ # /);
      terminal.type("sh -c 'exit 7'\n");
      terminal.type(CONTROL_D);
      await terminal.waitFor(/status 7\nas before\n/);
    }),
  );

  test("is as it was also after a run that failed", { skip }, () =>
    at(COMPARE(`${run} -- /no/such/program`), async (terminal) => {
      await terminal.waitFor(/ebb: .*no such file or directory.*\nstatus 127\nas before\n/s);
    }),
  );

  test("is as it was also where ebb is told to end", { skip }, () =>
    at(
      COMPARE(`${run} -- sh -c 'trap "exit 5" TERM; echo ready; while :; do usleep 10000; done'`),
      async (terminal) => {
        await terminal.waitFor(/ready\n/);
        terminal.type("echo never read\n");
        const [, pid] = await terminal.waitFor(/pid (\d+)\n/);
        process.kill(Number(pid), "SIGTERM");
        await terminal.waitFor(/status 5\nas before\n/);
      },
    ),
  );

  test("that goes away ends a shell in it, as its keys have ended", { skip }, async () => {
    await at(`${run} --name gone -- sh`, async (terminal) => {
      await terminal.waitFor(/\/ # /);
    });
    const gone = async () => ((await place.run(["ps", "-aq"])).stdout.includes("gone") ? undefined : true);
    await until("the container's end", gone);
  });

  test("is asked for where stdin is none", { skip }, async () => {
    const { status, stderr } = await place.run([
      "run",
      "-it",
      "--rm",
      "--rootfs",
      place.rootfs,
      "--",
      "true",
    ]);
    assert.equal(status, 1);
    assert.match(stderr, /^ebb: --tty with --interactive needs a terminal/);
  });

  test("of a container is there for its output alone, too", { skip }, async () => {
    const args = [
      "run",
      "-t",
      "--rm",
      "--rootfs",
      place.rootfs,
      "--",
      "sh",
      "-c",
      "tty >/dev/null && echo yes",
    ];
    assert.deepEqual(await place.run(args), { status: 0, stdout: "yes\r\n", stderr: "" });
  });

  describe("of ebb exec -it", () => {
    before(async () => {
      if (skip !== false) return;
      await place.run(["run", "-d", "--name", "host", "--rootfs", place.rootfs, "--", "sleep", "1000"]);
    });
    after(async () => {
      if (skip === false) await place.run(["rm", "-f", "host"]);
    });

    test("is the process's, size and keys included, and then as it was", { skip }, () =>
      at(COMPARE(`ebb exec -it host sh -c '${SIZES.replaceAll("'", "'\\''")}'`), async (terminal) => {
        await use(terminal);
        await terminal.waitFor(/status 130\nas before\n/);
      }),
    );
  });
});

describe("a table of what containers use", () => {
  test("is kept up to date on a terminal, until Ctrl-C", { skip }, async () => {
    await place.run(["run", "-d", "--name", "busy", "--rootfs", place.rootfs, "--", "sleep", "1000"]);
    await at("trap : INT; ebb stats --interval 0.1; echo status $?", async (terminal) => {
      await terminal.waitFor(/busy .*busy .*busy /s);
      terminal.type(CONTROL_C);
      await terminal.waitFor(/status 130\n/);
    });
    await place.run(["rm", "-f", "busy"]);
  });
});

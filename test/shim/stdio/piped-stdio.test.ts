import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import { StatusCode } from "../../../src/base/status.ts";
import type { ProcessStdio, StdioPaths } from "../../../src/shim/stdio/stdio.ts";
import { FifoTap } from "../../support/fifo-tap.ts";
import { status } from "../../support/status.ts";
import { withStdio } from "../stdio-scene.ts";

/** Runs a shell script with these streams, as the runtime would; resolves when it has ended. */
async function run(stdio: ProcessStdio, script: string): Promise<number | null> {
  const child = spawn("sh", ["-c", script], { stdio: [...stdio.childFds] });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  await stdio.handedOver();
  return exited;
}

/** What the path of an open descriptor is. */
const pathOf = (fd: number | "ignore" | undefined) => fs.readlinkSync(`/proc/self/fd/${fd}`);

describe("streams that are nowhere", () => {
  test("are none, and everything that may be done with them does nothing", () =>
    withStdio({}, async ({ open }) => {
      const stdio = await open({});
      assert.deepEqual(stdio.childFds, ["ignore", "ignore", "ignore"]);
      assert.equal(stdio.consoleSocket, undefined);
      await stdio.handedOver();
      stdio.resize(1, 1);
      stdio.closeStdin();
      await stdio.drained();
      await stdio.close();
    }));
});

for (const way of ["direct", "relayed"] as const) {
  describe(`streams that are fifos (${way})`, () => {
    test("carry a process's input and outputs, whose end readers see with the process's", () =>
      withStdio({ stdio: way }, async ({ open, fifo }) => {
        const [stdin, stdout, stderr] = [fifo("in"), fifo("out"), fifo("err")];
        const [out, err] = [new FifoTap(stdout), new FifoTap(stderr)];
        const stdio = await open({ stdin, stdout, stderr });
        const exited = run(stdio, "cat; echo oops >&2; exit 3");
        fs.writeFileSync(stdin, "first, ");
        fs.writeFileSync(stdin, "second");
        stdio.closeStdin();
        assert.deepEqual([await out.toEnd(), await err.toEnd()], ["first, second", "oops\n"]);
        assert.equal(await exited, 3);
        await stdio.drained();
        await stdio.close();
        await stdio.close();
      }));

    test("keep what was written for a reader that comes back", () =>
      withStdio({ stdio: way }, async ({ open, fifo }) => {
        const stdout = fifo("out");
        const stdio = await open({ stdout });
        fs.closeSync(fs.openSync(stdout, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK));
        assert.equal(await run(stdio, "echo still there"), 0);
        await stdio.drained();
        const back = fs.openSync(stdout, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
        assert.equal(fs.readFileSync(back, "utf8"), "still there\n");
        fs.closeSync(back);
        await stdio.close();
      }));

    test("are one where both outputs name the same", () =>
      withStdio({ stdio: way }, async ({ open, fifo }) => {
        const stdout = fifo("out");
        const tap = new FifoTap(stdout);
        const stdio = await open({ stdout, stderr: stdout });
        await run(stdio, "for i in $(seq 100); do echo a; echo b >&2; done");
        assert.equal(await tap.toEnd(), "a\nb\n".repeat(100));
        await stdio.close();
      }));

    test("belong to whom the runtime's options say", { skip: process.getuid?.() !== 0 }, () =>
      withStdio({ stdio: way }, async ({ open, fifo }) => {
        const stdio = await open({ stdin: fifo("in"), stdout: fifo("out") }, { uid: 1234, gid: 567 });
        for (const fd of stdio.childFds.slice(0, 2)) {
          const { uid, gid } = fs.fstatSync(Number(fd));
          assert.deepEqual([uid, gid], [1234, 567]);
        }
        await stdio.close();
      }),
    );

    test("that a failed start leaves are closed with the rest", () =>
      withStdio({ stdio: way }, async ({ open, fifo }) => {
        const stdio = await open({ stdin: fifo("in"), stdout: fifo("out"), stderr: fifo("err") });
        await stdio.close();
      }));

    test("are closed with their process, though somebody still writes to its input", () =>
      withStdio({ stdio: way }, async ({ open, fifo }) => {
        const [stdin, stdout] = [fifo("in"), fifo("out")];
        const tap = new FifoTap(stdout);
        const stdio = await open({ stdin, stdout });
        const writer = fs.openSync(stdin, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
        const exited = run(stdio, "read line; echo $line");
        // More than is read of it, and than a pipe holds.
        fs.writeSync(writer, `one\n${"more\n".repeat(10_000)}`);
        assert.equal(await exited, 0);
        await stdio.drained();
        await stdio.close();
        assert.equal(await tap.toEnd(), "one\n");
        fs.closeSync(writer);
      }));
  });
}

describe("the streams of a process", () => {
  for (const execId of ["", "e"]) {
    test(`${execId === "" ? "" : "that is an exec "}are pipes, not the fifos themselves, where they are relayed`, () =>
      withStdio({ stdio: "relayed" }, async ({ open, fifo }) => {
        const paths = { stdin: fifo("in"), stdout: fifo("out"), stderr: fifo("err") };
        const stdio = await open(paths, { execId });
        for (const fd of stdio.childFds) assert.match(pathOf(fd), /^pipe:/);
        await stdio.close();
      }));
  }

  test("are the fifos themselves where an init's are not relayed", () =>
    withStdio({}, async ({ open, fifo }) => {
      const paths = { stdin: fifo("in"), stdout: fifo("out"), stderr: fifo("err") };
      const stdio = await open(paths);
      assert.deepEqual(stdio.childFds.map(pathOf), Object.values(paths));
      await stdio.close();
    }));
});

describe("the output of an exec to a fifo", () => {
  const exec = { execId: "e" };

  test("comes whole, each stream by itself, and ends with the exec", () =>
    withStdio({}, async ({ open, fifo }) => {
      const [stdin, stdout, stderr] = [fifo("in"), fifo("out"), fifo("err")];
      const [out, err] = [new FifoTap(stdout), new FifoTap(stderr)];
      const stdio = await open({ stdin, stdout, stderr }, exec);
      const exited = run(stdio, "cat; head -c 1000000 /dev/zero; echo END; echo oops >&2; exit 3");
      fs.writeFileSync(stdin, "in, ");
      stdio.closeStdin();
      const text = await out.toEnd();
      assert.deepEqual([text.slice(0, 4), text.slice(-4), text.length], ["in, ", "END\n", 1_000_008]);
      assert.equal(await err.toEnd(), "oops\n");
      assert.equal(await exited, 3);
      await stdio.drained();
      await stdio.close();
    }));

  test("ends when the exec is deleted, though a child goes on to write, which goes on", () =>
    withStdio({ drainMs: 100 }, async ({ dir, open, fifo, log }) => {
      const stdout = fifo("out");
      const tap = new FifoTap(stdout);
      const stdio = await open({ stdout }, exec);
      const child = `(until test -e ${dir}/closed; do :; done; head -c 500000 /dev/zero; echo $? > ${dir}/wrote) &`;
      assert.equal(await run(stdio, `${child} echo said`), 0);
      await stdio.drained();
      assert.deepEqual(log.lines, ["warn output was not passed on to its end"]);
      await stdio.close();
      assert.equal(await tap.toEnd(), "said\n");
      fs.writeFileSync(path.join(dir, "closed"), "");
      const wrote = () => fs.existsSync(path.join(dir, "wrote")) || undefined;
      await until("the child's end", wrote);
      assert.equal(fs.readFileSync(path.join(dir, "wrote"), "utf8"), "0\n");
    }));

  test("that nobody reads holds up the exec, and its drain no longer than the limit", () =>
    withStdio({ drainMs: 100 }, async ({ open, fifo, log }) => {
      const stdout = fifo("out");
      const reader = fs.openSync(stdout, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
      const stdio = await open({ stdout }, exec);
      await run(stdio, "head -c 100000 /dev/zero");
      await stdio.drained();
      assert.deepEqual(log.lines, ["warn output was not passed on to its end"]);
      await stdio.close();
      fs.closeSync(reader);
    }));

  test("that a failed start leaves is closed with the rest", () =>
    withStdio({}, async ({ open, fifo }) => {
      const stdio = await open({ stdout: fifo("out"), stderr: fifo("err") }, exec);
      await stdio.close();
    }));

  test("that cannot be opened leaves nothing open", () =>
    withStdio({}, async ({ dir, open, fifo }) => {
      const paths = { stdout: fifo("out"), stderr: dir };
      await assert.rejects(open(paths, exec), status(StatusCode.unknown, /^stderr \S+: .*EISDIR$/));
    }));
});

describe("outputs that are files", () => {
  test("are appended to, made with their directories, and shared by both streams", () =>
    withStdio({}, async ({ dir, open }) => {
      const file = path.join(dir, "a", "b", "log");
      for (const stderr of ["", `file://${file}`]) {
        const stdio = await open({ stdout: `file://${file}`, stderr });
        assert.match(pathOf(stdio.childFds[1]), /^pipe:/);
        assert.equal(await run(stdio, "echo out; echo err >&2"), 0);
        await stdio.drained();
        await stdio.close();
      }
      assert.equal(fs.readFileSync(file, "utf8"), "out\nerr\nout\nerr\n");
      assert.equal(fs.statSync(file).mode & 0o777, 0o644);
    }));

  test("may be two, or one beside a fifo", () =>
    withStdio({}, async ({ dir, open, fifo }) => {
      const [a, b] = [path.join(dir, "a"), path.join(dir, "b")];
      const both = await open({ stdout: `file://${a}`, stderr: `file://${b}` });
      await run(both, "echo out; echo err >&2");
      await both.drained();
      await both.close();
      const stdout = fifo("out");
      const tap = new FifoTap(stdout);
      const mixed = await open({ stdout, stderr: `file://${b}` });
      await run(mixed, "echo out; echo err >&2");
      await mixed.drained();
      await mixed.close();
      assert.deepEqual([fs.readFileSync(a, "utf8"), fs.readFileSync(b, "utf8")], ["out\n", "err\nerr\n"]);
      assert.equal(await tap.toEnd(), "out\n");
    }));

  test("are not emptied where the process opens its streams anew, and stay their owner's", () =>
    withStdio({}, async ({ dir, open }) => {
      const file = path.join(dir, "log");
      fs.writeFileSync(file, "before\n");
      const stdio = await open({ stdout: `file://${file}` }, { uid: 1234, gid: 567 });
      assert.equal(await run(stdio, "echo first; echo more > /dev/stderr; echo last > /dev/stdout"), 0);
      await stdio.drained();
      await stdio.close();
      assert.equal(fs.readFileSync(file, "utf8"), "before\nfirst\nmore\nlast\n");
      assert.equal(fs.statSync(file).uid, process.getuid?.());
    }));

  test("have every line whole where several processes write to one", () =>
    withStdio({}, async ({ dir, open }) => {
      const stdout = `file://${path.join(dir, "log")}`;
      const writers = await Promise.all(["", "e1", "e2"].map((execId) => open({ stdout }, { execId })));
      const lines = (n: number) => `for i in $(seq 2000); do echo ${`${n}`.repeat(99)}; done`;
      await Promise.all(writers.map((stdio, n) => run(stdio, lines(n))));
      for (const stdio of writers) await stdio.drained();
      for (const stdio of writers) await stdio.close();
      const counts = new Map<string, number>();
      for (const line of fs.readFileSync(path.join(dir, "log"), "utf8").trimEnd().split("\n"))
        counts.set(line, (counts.get(line) ?? 0) + 1);
      assert.deepEqual(
        Object.fromEntries(counts),
        Object.fromEntries([0, 1, 2].map((n) => [`${n}`.repeat(99), 2000])),
      );
    }));

  test(
    "that cannot be written lose that, hold nobody up, and the log says so once",
    {
      skip: !fs.existsSync("/dev/full"),
    },
    () =>
      withStdio({}, async ({ open, log }) => {
        const stdio = await open({ stdout: "file:///dev/full" });
        // More than a pipe holds, so that it would stand still where nobody reads.
        assert.equal(await run(stdio, "head -c 500000 /dev/zero"), 0);
        await stdio.drained();
        await stdio.close();
        assert.deepEqual(log.lines, ["error a process's output is dropped while it cannot be written"]);
        assert.equal(log.fields[0]?.to, "/dev/full");
      }),
  );

  test("are written again as soon as there is room", { skip: process.getuid?.() !== 0 }, () =>
    withStdio({}, async ({ dir, open, log }) => {
      const disk = path.join(dir, "disk");
      fs.mkdirSync(disk);
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "none", disk]);
      try {
        fs.writeFileSync(path.join(disk, "filler"), Buffer.alloc(64 << 10));
        const file = path.join(disk, "log");
        const stdio = await open({ stdout: `file://${file}` });
        const ended = run(stdio, `echo lost; until test -e ${dir}/room; do sleep 0.01; done; echo found`);
        await until("the failure", () => (log.lines.length > 0 ? true : undefined));
        fs.rmSync(path.join(disk, "filler"));
        fs.writeFileSync(path.join(dir, "room"), "");
        assert.equal(await ended, 0);
        await stdio.drained();
        await stdio.close();
        assert.equal(fs.readFileSync(file, "utf8"), "found\n");
        assert.deepEqual(log.lines, ["error a process's output is dropped while it cannot be written"]);
      } finally {
        execFileSync("umount", ["-l", disk]);
      }
    }),
  );
});

describe("streams that are paths of no fifos", () => {
  for (const execId of ["", "e"]) {
    const whose = execId === "" ? "an init" : "an exec";
    test(`are files that are there: ${whose} reads one, and appends to others`, () =>
      withStdio({}, async ({ dir, open }) => {
        const [stdin, stdout, stderr] = ["in", "out", "err"].map((name) => path.join(dir, name));
        assert.ok(stdin !== undefined && stdout !== undefined && stderr !== undefined);
        const text = "x".repeat(200_000);
        fs.writeFileSync(stdin, text);
        fs.writeFileSync(stdout, "before ");
        fs.writeFileSync(stderr, "");
        const stdio = await open({ stdin, stdout, stderr }, { execId });
        assert.equal(await run(stdio, "cat; echo oops > /dev/stderr; true > /dev/stdin"), 0);
        await stdio.drained();
        await stdio.close();
        const texts = [stdin, stdout, stderr].map((file) => fs.readFileSync(file, "utf8"));
        assert.deepEqual(texts, [text, `before ${text}`, "oops\n"]);
      }));
  }

  test("are one file where both outputs name the same, in their order", () =>
    withStdio({}, async ({ dir, open }) => {
      const file = path.join(dir, "both");
      fs.writeFileSync(file, "");
      const stdio = await open({ stdout: file, stderr: file });
      assert.equal(await run(stdio, "for i in $(seq 100); do echo a; echo b >&2; done"), 0);
      await stdio.drained();
      await stdio.close();
      assert.equal(fs.readFileSync(file, "utf8"), "a\nb\n".repeat(100));
    }));

  test("may be /dev/null", () =>
    withStdio({}, async ({ open, log }) => {
      const stdio = await open({ stdin: "/dev/null", stdout: "/dev/null", stderr: "/dev/null" });
      assert.equal(await run(stdio, "cat; head -c 100000 /dev/zero; echo oops >&2; exit 3"), 3);
      await stdio.drained();
      await stdio.close();
      assert.deepEqual(log.lines, []);
    }));

  test("are not made where they are missing", () =>
    withStdio({}, async ({ dir, open }) => {
      const stdout = path.join(dir, "no");
      await assert.rejects(open({ stdout }), status(StatusCode.notFound, /ENOENT$/));
      assert.equal(fs.existsSync(stdout), false);
    }));
});

describe("streams that cannot be opened are told by name and value, and nothing stays open:", () => {
  const rows: [what: string, paths: (dir: string) => Partial<StdioPaths>, code: StatusCode, RegExp][] = [
    ["no such stdin", (dir) => ({ stdin: `${dir}/no` }), StatusCode.notFound, /^stdin \S+\/no: .*ENOENT$/],
    ["no such fifo", (dir) => ({ stdout: `${dir}/no` }), StatusCode.notFound, /^stdout \S+\/no: .*ENOENT$/],
    ["a plain directory", (dir) => ({ stderr: dir }), StatusCode.unknown, /^stderr \S+: .*EISDIR$/],
    [
      "a directory as stdin",
      (dir) => ({ stdin: dir }),
      StatusCode.invalidArgument,
      /^stdin \S+: .*not a file$/,
    ],
    [
      "a file as stdin",
      () => ({ stdin: "file:///x" }),
      StatusCode.invalidArgument,
      /^stdin file:.*not a fifo$/,
    ],
    [
      "a relative path",
      () => ({ stdout: "out" }),
      StatusCode.invalidArgument,
      /^stdout out: not an absolute/,
    ],
    ["an unknown kind", () => ({ stderr: "tcp:///x" }), StatusCode.invalidArgument, /^stderr tcp:/],
    ["a directory", (dir) => ({ stdout: `file://${dir}` }), StatusCode.unknown, /^stdout file:.*EISDIR$/],
    [
      "a fifo as a file",
      (dir) => ({ stdout: `file://${dir}/fifo` }),
      StatusCode.notFound,
      /^stdout file:.*ENXIO$/,
    ],
    [
      "a file below a file",
      () => ({ stdout: "file:///etc/passwd/x" }),
      StatusCode.invalidArgument,
      /ENOTDIR/,
    ],
    [
      "no such logger",
      () => ({ stdout: "binary:///no/log" }),
      StatusCode.notFound,
      /^stdout binary:.*ENOENT$/,
    ],
    [
      "a logger that is no program",
      () => ({ stdout: "binary:///etc/passwd" }),
      StatusCode.permissionDenied,
      /^stdout binary:.*EACCES$/,
    ],
  ];
  for (const [what, paths, code, message] of rows) {
    // A terminal has no stderr of its own.
    for (const terminal of "stderr" in paths("") ? [false] : [false, true]) {
      test(`${what}${terminal ? ", with a terminal" : ""}`, () =>
        withStdio({}, async ({ dir, open, fifo }) => {
          fifo("fifo");
          const others = { stdin: fifo("in"), stdout: fifo("out"), stderr: "" };
          await assert.rejects(open({ ...others, ...paths(dir), terminal }), status(code, message));
          const sockets = path.join(dir, "run", "consoles");
          assert.deepEqual(terminal ? fs.readdirSync(sockets) : [], []);
        }));
    }
  }
});

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusCode } from "../../src/base/status.ts";
import { readAddress, writeAddress } from "../../src/oci/address-file.ts";
import * as bundleFiles from "../../src/oci/bundle.ts";
import { bundlePaths, execPaths } from "../../src/oci/bundle-paths.ts";
import { readExitRecord, writeExitRecord } from "../../src/oci/exit-record.ts";
import { defaultRuncOptions } from "../../src/oci/options.ts";
import { readInitPid } from "../../src/oci/pid-file.ts";
import { withTempDir } from "../support/files.ts";
import { status } from "../support/status.ts";

test("the files of a bundle are where the daemon and the Go shim look for them", () => {
  assert.deepEqual(bundlePaths("/run/b"), {
    config: "/run/b/config.json",
    rootfs: "/run/b/rootfs",
    initPid: "/run/b/init.pid",
    options: "/run/b/options.json",
    runtime: "/run/b/runtime",
    log: "/run/b/log.json",
    address: "/run/b/address",
    exit: "/run/b/exit.json",
    deleted: "/run/b/deleted",
    work: "/run/b/work",
    criuDumpLog: "/run/b/criu-dump.log",
  });
});

test("no exec's files are where the bundle's or another exec's are, whatever their names", () => {
  const ids = ["init", "log", "config.json", "exit", "a", "a.exit", "exec.a", "rootfs"];
  const files = ids.flatMap((id) => Object.values(execPaths("/run/b", id)));
  const all = [...files, ...Object.values(bundlePaths("/run/b"))];
  assert.equal(new Set(all).size, all.length);
});

describe("a bundle's path", () => {
  test("is returned where it names a directory", async () => {
    await withTempDir((dir) => assert.equal(bundleFiles.checkBundle(dir), dir));
  });

  for (const bundle of ["", "relative", "./b", "/run/../etc", "/run//b", "/run/./b", "/run/b/.."]) {
    test(`is refused where it is ${JSON.stringify(bundle)}`, () => {
      const expected = /^bundle .*: not an absolute, plain path$/;
      assert.throws(() => bundleFiles.checkBundle(bundle), status(StatusCode.invalidArgument, expected));
    });
  }

  test("is refused where nothing is", () => {
    const expected = /^bundle \/nosuchdir: no such directory$/;
    assert.throws(() => bundleFiles.checkBundle("/nosuchdir"), status(StatusCode.notFound, expected));
  });

  test("is refused where a file is", async () => {
    await withTempDir((dir) => {
      const file = path.join(dir, "file");
      fs.writeFileSync(file, "");
      const expected = /file: not a directory$/;
      assert.throws(() => bundleFiles.checkBundle(file), status(StatusCode.invalidArgument, expected));
    });
  });
});

describe("init.pid", () => {
  const pids: [text: string, pid: number][] = [
    ["1", 1],
    ["4242", 4242],
    ["4242\n", 4242],
    ["4194304", 4194304],
  ];
  for (const [text, pid] of pids) {
    test(`says ${JSON.stringify(text)}`, async () => {
      await withTempDir((dir) => {
        fs.writeFileSync(path.join(dir, "init.pid"), text);
        assert.equal(readInitPid(dir), pid);
      });
    });
  }

  for (const text of [
    "",
    "\n",
    "0",
    "-1",
    "abc",
    "12 13",
    "1.5",
    "0x10",
    "4194305",
    "99999999999999",
    "\0",
  ]) {
    test(`is refused where it says ${JSON.stringify(text)}`, async () => {
      await withTempDir((dir) => {
        fs.writeFileSync(path.join(dir, "init.pid"), text);
        const expected = /\/init\.pid: ".*" is not a pid$/;
        assert.throws(() => readInitPid(dir), status(StatusCode.internal, expected));
      });
    });
  }
});

describe("a file that was never written reads as undefined:", () => {
  const readers = {
    "init.pid": readInitPid,
    "options.json": bundleFiles.readOptions,
    runtime: bundleFiles.readRuntime,
    address: readAddress,
    "exit.json": readExitRecord,
  };
  for (const [name, read] of Object.entries(readers)) {
    test(name, async () => {
      await withTempDir((dir) => assert.equal(read(dir), undefined));
      assert.equal(read("/nosuchdir"), undefined);
    });
    test(`${name}, but a directory in its place is an error that names it`, async () => {
      await withTempDir((dir) => {
        fs.mkdirSync(path.join(dir, name));
        const expected = status(StatusCode.failedPrecondition, new RegExp(`${name} is not a regular file$`));
        assert.throws(() => read(dir), expected);
      });
    });
    test(`${name}, but one too large to be meant is an error`, async () => {
      await withTempDir((dir) => {
        fs.writeFileSync(path.join(dir, name), "1".repeat(100_000));
        assert.throws(() => read(dir), status(StatusCode.resourceExhausted, new RegExp(name)));
      });
    });
  }
});

describe("options.json", () => {
  const options = {
    ...defaultRuncOptions,
    noPivotRoot: true,
    ioUid: 1000,
    binaryName: "/usr/bin/crun",
    root: "/run/r",
    systemdCgroup: true,
  };

  test("reads as it was written", async () => {
    await withTempDir((dir) => {
      bundleFiles.writeOptions(dir, options);
      assert.deepEqual(bundleFiles.readOptions(dir), options);
    });
  });

  test("has the names of the Go shim, and only what is set", async () => {
    await withTempDir((dir) => {
      bundleFiles.writeOptions(dir, options);
      assert.deepEqual(JSON.parse(fs.readFileSync(path.join(dir, "options.json"), "utf8")), {
        no_pivot_root: true,
        io_uid: 1000,
        binary_name: "/usr/bin/crun",
        root: "/run/r",
        systemd_cgroup: true,
      });
      bundleFiles.writeOptions(dir, defaultRuncOptions);
      assert.equal(fs.readFileSync(path.join(dir, "options.json"), "utf8"), "{}");
    });
  });

  test("of garbage is refused by file and place", async () => {
    await withTempDir((dir) => {
      fs.writeFileSync(path.join(dir, "options.json"), '{"systemd_cgroup":"yes"}');
      const expected = /\/options\.json: \/systemd_cgroup must be true or false$/;
      assert.throws(() => bundleFiles.readOptions(dir), status(StatusCode.invalidArgument, expected));
    });
  });
});

describe("runtime and address", () => {
  test("read as they were written, the default runtime as nothing", async () => {
    await withTempDir((dir) => {
      bundleFiles.writeRuntime(dir, "/usr/bin/crun");
      assert.equal(bundleFiles.readRuntime(dir), "/usr/bin/crun");
      bundleFiles.writeRuntime(dir, "");
      assert.equal(bundleFiles.readRuntime(dir), "");
      writeAddress(dir, "unix:///run/containerd/s/0123");
      assert.equal(readAddress(dir), "unix:///run/containerd/s/0123");
    });
  });

  test("an address with a line end is one without", async () => {
    await withTempDir((dir) => {
      fs.writeFileSync(path.join(dir, "address"), "unix:///run/s\n");
      assert.equal(readAddress(dir), "unix:///run/s");
    });
  });
});

describe("exit.json", () => {
  const record = { pid: 42, status: 137, at: new Date("2026-01-02T03:04:05.678Z") };

  test("reads as it was written, to the millisecond", async () => {
    await withTempDir((dir) => {
      writeExitRecord(dir, record);
      assert.deepEqual(readExitRecord(dir), record);
    });
  });

  test("of an exec is another", async () => {
    await withTempDir((dir) => {
      fs.mkdirSync(path.join(dir, "exec.e1"));
      writeExitRecord(dir, { ...record, pid: 0 }, "e1");
      assert.deepEqual(readExitRecord(dir, "e1"), { ...record, pid: 0 });
      assert.equal(readExitRecord(dir), undefined);
    });
  });

  test("is in a form that a person can read", async () => {
    await withTempDir((dir) => {
      writeExitRecord(dir, record);
      const text = fs.readFileSync(path.join(dir, "exit.json"), "utf8");
      assert.equal(text, '{"pid":42,"status":137,"exitedAt":"2026-01-02T03:04:05.678Z"}');
    });
  });

  const garbage: [text: string, message: RegExp][] = [
    ["", /\/exit\.json: the document is empty$/],
    ['{"pid":42,', /\/exit\.json: the document is not JSON$/],
    ["[]", /: \/pid must be a whole number from 0 to 4194304$/],
    ["null", /\/exit\.json: the document must be an object$/],
    ["{}", /: \/pid must be a whole number from 0 to 4194304$/],
    ['{"pid":-1,"status":0,"exitedAt":"2026-01-01"}', /: \/pid must be a whole number from 0 to 4194304$/],
    ['{"pid":4194305,"status":0,"exitedAt":"2026-01-01"}', /: \/pid must be a whole number from 0 to/],
    ['{"pid":1,"exitedAt":"2026-01-01"}', /: \/status must be a whole number from 0 to 255$/],
    ['{"pid":1,"status":256,"exitedAt":"2026-01-01"}', /: \/status must be a whole number from 0 to 255$/],
    ['{"pid":1,"status":1.5,"exitedAt":"2026-01-01"}', /: \/status must be a whole number from 0 to 255$/],
    ['{"pid":1,"status":"0","exitedAt":"2026-01-01"}', /: \/status must be a whole number from 0 to 255$/],
    ['{"pid":1,"status":0}', /: \/exitedAt must be a time/],
    ['{"pid":1,"status":0,"exitedAt":5}', /: \/exitedAt must be a time/],
    ['{"pid":1,"status":0,"exitedAt":"yesterday"}', /: \/exitedAt must be a time/],
    ['{"pid":1,"status":0,"exitedAt":"0001-01-01T00:00:00Z"}', /: \/exitedAt must be a time after 1970/],
  ];
  for (const [text, message] of garbage) {
    test(`is refused where it says ${text || "nothing"}`, async () => {
      await withTempDir((dir) => {
        fs.writeFileSync(path.join(dir, "exit.json"), text);
        assert.throws(() => readExitRecord(dir), status(StatusCode.internal, message));
      });
    });
  }
});

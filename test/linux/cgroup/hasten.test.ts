import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { CGROUP_ROOT, groupsOf } from "../../../src/linux/cgroup/dirs.ts";
import { hastenMove } from "../../../src/linux/cgroup/hasten.ts";
import { makeFifo } from "../../support/files.ts";

const root = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-hasten-"));
const groups = () => fs.readFileSync("/proc/self/cgroup", "utf8");
/** Why control groups are not ours to write to; false where they are. */
const notOurs =
  process.getuid?.() === 0 && fs.existsSync(CGROUP_ROOT) ? false : "needs root and control groups";
/** The file that tells where this process is, in a copy of its hierarchies. */
let file: string;

before(() => {
  const [group] = groupsOf(groups()).filter(({ name }) => !name.startsWith("name="));
  assert.ok(group !== undefined);
  file = path.join(root, group.name, group.path, "cgroup.procs");
  fs.mkdirSync(path.dirname(file), { recursive: true });
});
after(() => {
  fs.rmSync(root, { recursive: true });
});

describe("hastening a move into a control group", () => {
  test("moves this process to where it is", async () => {
    fs.writeFileSync(file, `1\n${process.pid}\n`);
    await hastenMove(root);
    assert.ok(fs.readFileSync(file, "utf8").startsWith(`${process.pid}`));
  });

  test("is taken by this host's kernel, and changes nothing", { skip: notOurs }, async () => {
    const before = groups();
    assert.equal(await hastenMove(), true);
    assert.equal(groups(), before);
  });

  test("touches no group of the same name in which this process is not", async () => {
    const other = path.join(root, "other");
    const there = path.join(other, path.relative(root, file));
    fs.mkdirSync(path.dirname(there), { recursive: true });
    fs.writeFileSync(there, "1\n2\n");
    assert.equal(await hastenMove(other), false);
    assert.equal(fs.readFileSync(there, "utf8"), "1\n2\n");
  });

  test("is no error where there is no such file", async () => {
    fs.rmSync(file, { force: true });
    assert.equal(await hastenMove(root), false);
    assert.equal(fs.existsSync(file), false);
  });

  test("is done by one call at a time, so that a kernel that takes long has one thread", async () => {
    // A list that it has seen itself in is not read again.
    fs.writeFileSync(file, `${process.pid}\n`);
    assert.equal(await hastenMove(root), true);
    fs.rmSync(file);
    makeFifo(file);
    const fifo = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
    const filling = Buffer.alloc(4096);
    let bytes = 0;
    for (let written = filling.length; written === filling.length; bytes += written) {
      try {
        written = fs.writeSync(fifo, filling);
      } catch {
        break;
      }
    }
    let isOver = false;
    const first = hastenMove(root).then(() => (isOver = true));
    assert.equal(await hastenMove(root), false);
    assert.equal(isOver, false, "the first has written although nothing was read");
    for (let left = bytes; left > 0; ) left -= fs.readSync(fifo, Buffer.alloc(Math.min(left, 65536)));
    await first;
    const rest = Buffer.alloc(64);
    assert.equal(rest.toString("utf8", 0, fs.readSync(fifo, rest)), String(process.pid));
    fs.closeSync(fifo);
    fs.rmSync(file);
    fs.writeFileSync(file, "");
    await hastenMove(root);
    assert.equal(fs.readFileSync(file, "utf8"), String(process.pid));
  });
});

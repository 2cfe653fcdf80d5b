import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { groupsOf } from "../../../src/linux/cgroup/dirs.ts";
import { hastenMove } from "../../../src/linux/cgroup/hasten.ts";
import { makeFifo } from "../../support/files.ts";

const root = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-hasten-"));
const child = spawn("sleep", ["1000"], { stdio: "ignore" });
const pid = child.pid ?? 0;
const groups = () => fs.readFileSync(`/proc/${pid}/cgroup`, "utf8");
/** The file that tells where the child is, in a copy of its hierarchies. */
let file: string;

before(() => {
  const [group] = groupsOf(groups()).filter(({ name }) => !name.startsWith("name="));
  assert.ok(group !== undefined);
  file = path.join(root, group.name, group.path, "cgroup.procs");
  fs.mkdirSync(path.dirname(file), { recursive: true });
});
after(() => {
  child.kill("SIGKILL");
  fs.rmSync(root, { recursive: true });
});

describe("hastening a move into a control group", () => {
  test("moves the program to where it is", async () => {
    fs.writeFileSync(file, "");
    await hastenMove(pid, root);
    assert.equal(fs.readFileSync(file, "utf8"), String(pid));
  });

  test("changes nothing on the host", async () => {
    const before = groups();
    await hastenMove(pid);
    assert.equal(groups(), before);
  });

  test("of a program that has ended, and where there is no such file, is no error", async () => {
    fs.rmSync(file, { force: true });
    await hastenMove(pid, root);
    assert.equal(fs.existsSync(file), false);
    await hastenMove(2 ** 22 + 1, root);
  });

  test("is done by one call at a time, so that a kernel that takes long has one thread", async () => {
    fs.rmSync(file, { force: true });
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
    const first = hastenMove(pid, root).then(() => (isOver = true));
    await hastenMove(pid, root);
    assert.equal(isOver, false, "the first has written although nothing was read");
    for (let left = bytes; left > 0; ) left -= fs.readSync(fifo, Buffer.alloc(Math.min(left, 65536)));
    await first;
    const rest = Buffer.alloc(64);
    assert.equal(rest.toString("utf8", 0, fs.readSync(fifo, rest)), String(pid));
    fs.closeSync(fifo);
    fs.rmSync(file);
    fs.writeFileSync(file, "");
    await hastenMove(pid, root);
    assert.equal(fs.readFileSync(file, "utf8"), String(pid));
  });
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, describe, test } from "node:test";
import { until } from "../../lab/until.ts";
import { helperActivity } from "../../src/rootfs/helper-activity.ts";
import { startHelper } from "../../src/rootfs/release-helper.ts";
import { makeTempDir } from "../support/files.ts";

const { dir, remove } = makeTempDir();
after(remove);

interface FakeProcess {
  readonly comm?: string;
  /** The states of its threads, the first one's pid being its own. */
  readonly threads?: string;
  readonly children?: string;
  readonly fds?: readonly number[];
  readonly stack?: string;
}

/** A proc with these processes; what one lacks is what may not be read, or had gone when it was looked at. */
function fakeProc(name: string, processes: Readonly<Record<number, FakeProcess>>): string {
  const proc = path.join(dir, name);
  const write = (file: string, text: string) => {
    fs.mkdirSync(path.dirname(path.join(proc, file)), { recursive: true });
    fs.writeFileSync(path.join(proc, file), text);
  };
  for (const [pid, { comm, threads = "S", children, fds, stack }] of Object.entries(processes)) {
    for (const [index, state] of [...threads].entries()) {
      const thread = `${pid}/task/${Number(pid) + index}`;
      write(`${thread}/stat`, `${Number(pid) + index} (sh) ${state} 1 ${"0 ".repeat(50)}`);
      if (stack !== undefined) write(`${thread}/stack`, index === 0 ? stack : "[<0>] of_another+0x1/0x2\n");
    }
    if (stack !== undefined) write(`${pid}/stack`, stack);
    if (comm !== undefined) write(`${pid}/comm`, `${comm}\n`);
    if (children !== undefined) write(`${pid}/task/${pid}/children`, children);
    if (fds !== undefined) fs.mkdirSync(path.join(proc, pid, "fd"), { recursive: true });
    for (const fd of fds ?? []) write(`${pid}/fd/${fd}`, "");
  }
  return proc;
}

const flock = { comm: "flock" };
const stuck = { comm: "flock", stack: "[<0>] locks_lock_inode_wait+0x1/0x2\n" };
const rows: [title: string, processes: Record<number, FakeProcess>, activity: string, stack?: string[]][] = [
  ["holding while it has its mounts", { 9: { fds: [0, 3, 4, 5] } }, "holding"],
  ["waiting while its shell runs flock", { 9: { fds: [4], children: "11 " }, 11: flock }, "waiting"],
  [
    "waiting, with the stack of flock",
    { 9: { children: "11 " }, 11: stuck },
    "waiting",
    ["locks_lock_inode_wait"],
  ],
  [
    "syncing once its first mount is gone, asleep or at work",
    { 9: { threads: "R", fds: [0, 3, 5] } },
    "syncing",
  ],
  [
    "syncing where it has been killed, and has no descriptor left",
    { 9: { threads: "D", fds: [] } },
    "syncing",
  ],
  [
    "syncing in another thread than the first",
    { 9: { threads: "ZD", fds: [], stack: "" } },
    "syncing",
    ["of_another"],
  ],
  [
    "cleaning while its shell runs rm",
    { 9: { fds: [3], children: "10 11 " }, 11: { comm: "rm" } },
    "cleaning",
  ],
  ["holding where a child of it has just ended", { 9: { fds: [4], children: "12 " } }, "holding"],
  [
    "syncing where its descriptors may not be seen, and it waits for a disk",
    { 9: { threads: "D" } },
    "syncing",
  ],
  ["holding where its descriptors may not be seen, and it sleeps", { 9: {} }, "holding"],
];

describe("what a helper does", () => {
  for (const [index, [title, processes, activity, stack = []]] of rows.entries()) {
    test(`is ${title}`, async () => {
      assert.deepEqual(await helperActivity(9, fakeProc(`row-${index}`, processes)), { activity, stack });
    });
  }

  for (const [title, processes] of [
    ["that is not there", {}],
    ["whose threads have all ended", { 9: { threads: "ZX", fds: [] } }],
  ] as const) {
    test(`is nothing for one ${title}`, async () => {
      assert.equal(await helperActivity(9, fakeProc(title, processes)), undefined);
    });
  }

  test("is told with the names of the kernel's functions alone", async () => {
    const stack =
      "[<0>] folio_wait_writeback+0x2b/0x80\n[<ffffffff81a0>] ovl_sync_fs.part.0+0x45/0x60 [overlay]\n" +
      "[<0>] 0xffffffffffffffff\n[<ffffffffffffffff>] 0xffffffffffffffff\n";
    const proc = fakeProc("stack", { 9: { threads: "D", fds: [], stack } });
    const { stack: names } = (await helperActivity(9, proc)) ?? {};
    assert.deepEqual(names, ["folio_wait_writeback", "ovl_sync_fs.part.0"]);
  });

  test("is seen of real helpers: one holds, one waits for its turn, and both end", async () => {
    const lockFile = path.join(dir, "lock");
    const open = () => fs.openSync(lockFile, "a");
    const lock = open();
    const owner = spawn("sh", ["-c", "flock 3; echo; read line"], {
      stdio: ["pipe", "pipe", "ignore", lock],
    });
    await new Promise((resolve) => owner.stdout?.once("data", resolve));
    fs.closeSync(lock);
    const own = open();
    const held = fs.openSync(dir, "r");
    const helper = await startHelper({ fds: [held], turn: { lock: own, limitMs: 60_000 } });
    const activity = async () => (await helperActivity(helper.pid))?.activity;
    assert.equal(await activity(), "holding");
    helper.letGo();
    await until("it to wait", async () => ((await activity()) === "waiting" ? true : undefined));
    owner.stdin?.end();
    await until("its end", async () => ((await activity()) === undefined ? true : undefined));
    for (const fd of [own, held]) fs.closeSync(fd);
  });
});

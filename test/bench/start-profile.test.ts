import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findMarks, type Lane } from "../../bench/start-profile/marks.ts";
import { picture } from "../../bench/start-profile/picture.ts";
import { fastest, stepsOf } from "../../bench/start-profile/steps.ts";
import { parseTrace } from "../../bench/start-profile/trace.ts";
import { assertWellFormed } from "./svg-check.ts";

const SHIM = "/opt/containerd-shim-ebb-v2";
const PROGRAM = "/opt/containerd-shim-ebb";
/** 10 is the start, 20 the server, 21 a thread of it, 30 the OCI runtime. */
const TRACE = `10 100.000 execve("${SHIM}", ["${SHIM}", "start"], 0x7 /* 9 vars */) = 0
10 100.001 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD <unfinished ...>
20 100.0015 write(1, "not the address", 15) = 15
10 100.002 <... clone resumed>, child_tidptr=0x7) = 20
20 100.003 execve("${PROGRAM}", ["${PROGRAM}", "start", "1"], 0x7 /* 15 vars */) = 0
20 100.004 openat(AT_FDCWD, "/proc/self/maps", O_RDONLY|O_CLOEXEC) = 3
20 100.005 clone3({flags=CLONE_VM|CLONE_THREAD|CLONE_SETTLS, exit_signal=0}, 88 <unfinished ...>
21 100.006 openat(AT_FDCWD, "/run/bundle/config.json", O_RDONLY) = 7
20 100.007 <... clone3 resumed> => {parent_tid=[21]}, 88) = 21
20 100.008 openat(AT_FDCWD, "/etc/ebb/config.json", O_RDONLY) = -1 ENOENT (No such file or directory)
20 100.009 bind(6, {sa_family=AF_UNIX, sun_path="/run/containerd/s/0"}, 110) = 0
20 100.010 write(1, "unix:///run", 11) = 11
10 100.0115 exit_group(0) = ?
10 100.012 +++ exited with 0 +++
20 100.013 accept4(3, {sa_family=AF_UNIX}, [128 => 2], SOCK_CLOEXEC) = 7
20 100.0135 openat(AT_FDCWD, "/run/ebb/koffi-0123-4567.node", O_RDONLY|O_CLOEXEC) = 9
20 100.014 write(5, "\\1\\0\\0\\0", 8) = 8
20 100.016 sendto(7, "\\0\\0\\0\\5", 15, MSG_NOSIGNAL, NULL, 0) = 15
20 100.020 vfork() = 30
30 100.021 execve("/usr/sbin/runc", ["runc", "create"], 0x7) = 0
`;

function lines(lane: Lane, trace = TRACE): string[] {
  const marks = findMarks(parseTrace(trace), SHIM).filter((mark) => mark.lane === lane);
  return marks.map(({ title, at }) => `${at.toFixed(1)} ${title}`);
}

describe("the profile of a start", () => {
  test("knows which process a thread belongs to, and when a call began that another one interrupts", () => {
    assert.deepEqual(
      parseTrace(TRACE)
        .slice(5, 7)
        .map(({ pid, at, text }) => [pid, at, text.slice(0, 6), text.endsWith("= 21")]),
      [
        [20, 100.005, "clone3", true],
        [20, 100.006, "openat", false],
      ],
    );
  });

  test("has the marks of both processes, in the order of time, without those that are not there", () => {
    assert.deepEqual(lines("start"), ["0.0 executed", "1.0 shell forked for the server", "11.5 ended"]);
    assert.deepEqual(lines("server"), [
      "3.0 executed",
      "4.0 program and libraries loaded",
      "6.0 first JavaScript: looks for config.json",
      "8.0 settings looked for",
      "9.0 socket bound",
      "10.0 address printed",
      "13.0 connection accepted",
      "13.5 koffi's native part opened",
      "16.0 first call answered (Connect)",
      "20.0 runc called (Create)",
    ]);
  });

  test("is refused of a trace in which no server was started", () => {
    const [only = ""] = TRACE.split("\n");
    assert.throws(() => lines("start", only), /no start of \/opt\/containerd-shim-ebb-v2 in the trace/);
  });

  test("shows the run that was disturbed least, a step from each mark of a process to the next", () => {
    const run = (factor: number) => [
      { lane: "start", title: "executed", at: 0 } as const,
      { lane: "start", title: "ended", at: 4 * factor } as const,
      { lane: "server", title: "executed", at: 2 * factor } as const,
      { lane: "server", title: "listens", at: 5 * factor } as const,
    ];
    assert.deepEqual(stepsOf(fastest([run(2), run(1), run(3)])), [
      { lane: "start", title: "ended", from: 0, to: 4 },
      { lane: "server", title: "listens", from: 2, to: 5 },
    ]);
  });

  test("is a picture that is well formed, with a bar as long as its step", () => {
    const steps = stepsOf(findMarks(parseTrace(TRACE), SHIM));
    const drawn = picture(steps);
    assertWellFormed(drawn);
    const bars = [...drawn.matchAll(/<rect class="(?:start|server)" x="([\d.]+)".* width="([\d.]+)"/g)];
    assert.equal(bars.length, steps.length);
    const perMs = bars.map(([, , width], at) => {
      const { from = 0, to = 1 } = steps[at] ?? {};
      return Number(width) / (to - from);
    });
    for (const each of perMs) assert.ok(Math.abs(each - (perMs[0] ?? 0)) < 0.2, `${perMs}`);
    assertWellFormed(picture([]));
  });
});

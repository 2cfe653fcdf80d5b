/** Programs in process groups of their own that can be ended whatever they do, and are never waited for in vain. */
import { spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";

/** How long a killed program is waited for: one that sleeps in the kernel for a disk takes no signal. */
const KILL_GRACE_MS = 1_000;

/** The groups that are there now; they go with this process. */
const groups = new Set();
process.on("exit", () => {
  for (const pid of groups) killGroup(pid);
});

/**
 * Runs a program until it ends or `signal` is aborted, which kills its whole group. Its output goes to a file: a
 * pipe would be kept open by whatever it leaves behind. What is left of the group at its end is killed, too.
 * @returns {Promise<{ ending: string, sight: string }>} `ending` is empty where it exited with status 0; `sight` is
 * what its processes were doing when they had to be killed.
 */
export async function runInGroup({ file, args, cwd, output, signal }) {
  const fd = openSync(output, "a");
  const child = spawn(file, args, { cwd, detached: true, stdio: ["ignore", fd, fd] });
  closeSync(fd);
  const exited = new Promise((resolve) => {
    child.once("error", (error) => resolve(`could not be started: ${error.message}`));
    child.once("exit", (code, name) => resolve(describeExit(code, name)));
  });
  if (child.pid === undefined) return { ending: await exited, sight: "" };
  groups.add(child.pid);
  const ending = await Promise.race([exited, aborted(signal)]);
  const sight = signal.aborted ? lookAtGroup(child.pid) : "";
  killGroup(child.pid);
  if (signal.aborted) await Promise.race([exited, pause(KILL_GRACE_MS)]);
  groups.delete(child.pid);
  child.unref();
  return { ending, sight };
}

function describeExit(code, name) {
  if (code === 0) return "";
  return name === null ? `exit status ${code}` : `ended by ${name}`;
}

function aborted(signal) {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(String(signal.reason));
    else signal.addEventListener("abort", () => resolve(String(signal.reason)), { once: true });
  });
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function killGroup(pid) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}

/** What the processes of a group are doing, thread by thread where the kernel holds one. */
function lookAtGroup(group) {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && groupOf(name) === group);
  return pids.map(lookAtProcess).join("");
}

function groupOf(pid) {
  const text = readOr(`/proc/${pid}/stat`);
  return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[2]);
}

function lookAtProcess(pid) {
  const line = readOr(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
  const threads = namesIn(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}`);
  const stuck = threads.filter((thread) => /\) D /.test(readOr(`${thread}/stat`)));
  const stacks = stuck.map((thread) => `  waits in the kernel:\n${readOr(`${thread}/stack`)}`);
  return `process ${pid}: ${line}\n${stacks.join("")}`;
}

function namesIn(directory) {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function readOr(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

#!/usr/bin/env node
/**
 * An OCI runtime for tests: it keeps containers as runc does (a directory under --root, an init that waits in
 * a fifo for `start`), but without namespaces, mounts or root, and misbehaves as a scenario tells it to.
 * The scenario is the JSON file in EBB_FAKE_RUNC, or `fake-runc.json` in the directory of --root. README.md
 * describes it.
 */
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

/** Options that take a value, in the spelling of runc and crun. */
const WITH_VALUE = new Set([
  ...["--root", "--log", "--log-format", "--rootless", "--bundle", "--pid-file", "--console-socket"],
  ...[
    "--preserve-fds",
    "--process",
    "--format",
    "--resources",
    "--image-path",
    "--work-path",
    "--parent-path",
  ],
  ...["--manage-cgroups-mode", "--empty-ns"],
]);

/** Splits a command line into the command, its operands and all options. */
function parse(argv) {
  const options = {};
  const operands = [];
  for (let i = 0; i < argv.length; i += 1) {
    const word = argv[i];
    if (!word.startsWith("-") || word === "-") operands.push(word);
    else if (WITH_VALUE.has(word)) options[word] = argv[++i];
    else options[word] = true;
  }
  return { command: operands[0] ?? (options["--version"] ? "version" : "help"), operands, options };
}

const { command, operands, options } = parse(process.argv.slice(2));
const root = options["--root"] ?? "/run/fake-runc";
const id = operands[1];

function readScenario() {
  const file = process.env.EBB_FAKE_RUNC ?? path.join(path.dirname(root), "fake-runc.json");
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : {};
}

/** What this call is to do: a list gives one action a call, and its last to all further ones. */
function pickAction(scenario) {
  const action = scenario.commands?.[command] ?? scenario.commands?.["*"] ?? {};
  if (!Array.isArray(action)) return action;
  const counter = path.join(root, `.calls-${command}`);
  fs.mkdirSync(root, { recursive: true });
  fs.appendFileSync(counter, ".");
  return action[Math.min(fs.statSync(counter).size, action.length) - 1] ?? {};
}

function record(scenario) {
  if (scenario.record === undefined) return;
  const fds = Object.fromEntries(
    fs.readdirSync("/proc/self/fd").flatMap((fd) => {
      try {
        return [[fd, fs.readlinkSync(`/proc/self/fd/${fd}`)]];
      } catch {
        return [];
      }
    }),
  );
  const call = { argv: process.argv.slice(2), argv0: process.argv0, pid: process.pid, ppid: process.ppid };
  const line = JSON.stringify({ ...call, cwd: process.cwd(), env: process.env, fds });
  fs.appendFileSync(scenario.record, `${line}\n`);
}

function log(level, msg) {
  if (options["--log"] === undefined) return;
  const line = JSON.stringify({ level, msg, time: new Date().toISOString() });
  fs.appendFileSync(options["--log"], `${line}\n`);
}

/** Ends as runc does when it fails: the reason in the log and on stderr, exit status 1. */
function fail(message, status = 1) {
  log("error", message);
  fs.writeSync(2, `${message}\n`);
  process.exit(status);
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a scenario may do before, and in place of, the command proper. */
async function misbehave(action) {
  if (action.ignoreTerm) process.on("SIGTERM", () => {});
  if (action.ready !== undefined) fs.writeFileSync(action.ready, String(process.pid));
  for (const line of action.log ?? []) {
    if (options["--log"]) fs.appendFileSync(options["--log"], `${asText(line)}\n`);
  }
  if (action.stdout !== undefined) fs.writeSync(1, asText(action.stdout));
  if (action.stderr !== undefined) fs.writeSync(2, asText(action.stderr));
  if (action.floodStdout) flood(1, action.floodStdout);
  if (action.floodStderr) flood(2, action.floodStderr);
  if (action.holdOutput) leaveHolder(action.holdOutput);
  if (action.sleepMs) await sleep(action.sleepMs);
  if (action.hang) await sleep(2 ** 31 - 1);
  if (action.killSelf) process.kill(process.pid, action.killSelf);
  if (action.fail !== undefined) fail(action.fail, action.exit);
  if (action.exit !== undefined) process.exit(action.exit);
}

function asText(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function flood(fd, bytes) {
  const chunk = Buffer.alloc(65536, "x");
  for (let written = 0; written < bytes; ) {
    written += fs.writeSync(fd, chunk, 0, Math.min(chunk.length, bytes - written));
  }
}

/** Leaves a process behind that keeps stdout and stderr open; its pid goes to the given file. */
function leaveHolder(pidFile) {
  const holder = spawn("sleep", ["1000"], { detached: true, stdio: ["ignore", "inherit", "inherit"] });
  fs.writeFileSync(pidFile, String(holder.pid));
  holder.unref();
}

const containerDir = () => path.join(root, id);
const statePath = () => path.join(containerDir(), "state.json");

function load() {
  if (id === undefined || !fs.existsSync(statePath())) fail("container does not exist");
  const state = JSON.parse(fs.readFileSync(statePath(), "utf8"));
  if (isDead(state.pid)) state.status = "stopped";
  return state;
}

function save(state) {
  fs.writeFileSync(statePath(), JSON.stringify(state));
}

/** A zombie counts as dead, as for runc. */
function isDead(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    return ["Z", "X"].includes(stat.slice(stat.lastIndexOf(")") + 2)[0]);
  } catch {
    return true;
  }
}

/** The program of the init: the scenario's, else that of config.json, else one that sleeps. */
function initArgs(action) {
  if (action.init !== undefined) return action.init;
  const config = path.join(options["--bundle"], "config.json");
  if (!fs.existsSync(config)) return ["sleep", "1000"];
  return JSON.parse(fs.readFileSync(config, "utf8")).process?.args ?? ["sleep", "1000"];
}

/**
 * Makes the container. Its init is a shell that blocks on opening a fifo until `start` opens the other end,
 * then becomes the program; it keeps our stdin, stdout and stderr, and is left to whoever adopts it.
 */
function create(action) {
  if (fs.existsSync(containerDir())) fail("runc create failed: container with given ID already exists");
  fs.mkdirSync(containerDir(), { recursive: true });
  const gate = path.join(containerDir(), "exec.fifo");
  execFileSync("mkfifo", [gate]);
  const begin = action.running ? 'exec "$@"' : 'read _ <"$0"; exec "$@"';
  const wait = action.dieAfterCreate === undefined ? begin : `exit ${action.dieAfterCreate}`;
  const init = spawn("/bin/sh", ["-c", wait, gate, ...initArgs(action)], {
    detached: true,
    stdio: "inherit",
  });
  init.unref();
  const { pid } = init;
  const status = action.running ? "running" : "created";
  save({ ociVersion: "1.0.2-dev", id, pid, status, bundle: options["--bundle"] });
  if (options["--pid-file"] && action.pidFile !== false) {
    fs.writeFileSync(options["--pid-file"], action.pidFile ?? String(pid));
  }
}

/**
 * Runs a program as another process of the container, left to whoever adopts it: it keeps our stdin, stdout and
 * stderr.
 */
async function exec(action) {
  const state = load();
  if (state.status === "stopped") fail("exec failed: cannot exec in a stopped container");
  const { args } = JSON.parse(fs.readFileSync(options["--process"], "utf8"));
  const pidFile = options["--pid-file"];
  const script = 'echo $$ >"$0.new"; mv "$0.new" "$0"; exec "$@"';
  // setsid leaves its child without a look: what waited for it here, or in a shell, would take its end away.
  execFileSync("setsid", ["--fork", "sh", "-c", script, pidFile, ...args], { stdio: "inherit" });
  while (!fs.existsSync(pidFile)) await sleep(5);
  const pid = Number(fs.readFileSync(pidFile, "utf8"));
  while (action.awaitEnd && !isDead(pid)) await sleep(5);
}

/** Writes down what the init was, and ends the container unless it is to run on. */
function checkpoint() {
  const state = load();
  if (state.status === "stopped") fail("container not running");
  fs.mkdirSync(options["--image-path"], { recursive: true });
  fs.mkdirSync(options["--work-path"], { recursive: true });
  fs.writeFileSync(path.join(options["--image-path"], "fake.json"), JSON.stringify(state));
  if (options["--leave-running"]) return;
  process.kill(state.pid, "SIGKILL");
  fs.rmSync(containerDir(), { recursive: true, force: true });
}

/** Makes a container again, whose program runs at once. */
function restore(action) {
  if (!fs.existsSync(path.join(options["--image-path"], "fake.json"))) fail("criu failed: no image");
  create({ ...action, running: true });
}

function start() {
  const state = load();
  if (state.status === "running") fail("cannot start an already running container");
  if (state.status === "stopped") fail("cannot start a container that has stopped");
  fs.writeFileSync(path.join(containerDir(), "exec.fifo"), "go\n");
  save({ ...state, status: "running" });
}

function kill() {
  const state = load();
  if (state.status === "stopped") {
    if (options["--all"]) return;
    fail("container not running");
  }
  process.kill(state.pid, Number(operands[2] ?? 15));
}

function remove() {
  if (!fs.existsSync(containerDir()) && options["--force"]) return;
  const state = load();
  if (state.status === "running" && !options["--force"]) {
    fail(`cannot delete container ${id} that is not stopped: running`);
  }
  if (state.status !== "stopped") process.kill(state.pid, "SIGKILL");
  fs.rmSync(containerDir(), { recursive: true, force: true });
}

function setStatus(from, to, complaint) {
  const state = load();
  if (state.status !== from) fail(complaint);
  save({ ...state, status: to });
}

const print = (value) => fs.writeSync(1, `${JSON.stringify(value)}\n`);

function list() {
  const dirs = fs.existsSync(root) ? fs.readdirSync(root).filter((name) => !name.startsWith(".")) : [];
  print(dirs.map((name) => JSON.parse(fs.readFileSync(path.join(root, name, "state.json"), "utf8"))));
}

const COMMANDS = {
  create,
  start,
  exec,
  checkpoint,
  restore,
  kill,
  delete: remove,
  list,
  state: () => print(load()),
  ps: () => {
    const state = load();
    print(state.status === "stopped" ? null : [state.pid]);
  },
  pause: () => setStatus("running", "paused", "container not running"),
  resume: () => setStatus("paused", "running", "container not paused"),
  update: () => void load(),
  events: () => print({ type: "stats", id: load().id, data: { pids: { current: 1 } } }),
  features: () => print({ ociVersionMin: "1.0.0", ociVersionMax: "1.0.2-dev", hooks: [], mountOptions: [] }),
  version: () => fs.writeSync(1, "fake-runc version 0.0.0\nspec: 1.0.2-dev\n"),
};

const scenario = readScenario();
record(scenario);
const action = pickAction(scenario);
await misbehave(action);
const work = COMMANDS[command];
if (work === undefined) fail(`unknown command ${command}`);
await work(action);
await misbehave(action.then ?? {});
process.exit(0);

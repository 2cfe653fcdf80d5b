#!/usr/bin/env node
/**
 * Records what a real OCI runtime prints, logs and answers, into recorded/<runtime>-<version>/. Needs root and
 * busybox. Usage: node record.mjs <runtime>, as in `node record.mjs runc`.
 */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const scratch = "/run/ebb-record";
const runtime = process.argv[2] ?? "runc";

/** A bundle whose configuration is the busybox sample, changed by `change`. */
function makeBundle(name, change = () => {}) {
  const bundle = path.join(scratch, name);
  fs.mkdirSync(bundle, { recursive: true });
  const config = JSON.parse(fs.readFileSync(path.join(here, "bundles/busybox.json"), "utf8"));
  config.root.path = path.join(scratch, "rootfs");
  change(config);
  fs.writeFileSync(path.join(bundle, "config.json"), JSON.stringify(config));
  return bundle;
}

function makeRootfs() {
  const bin = path.join(scratch, "rootfs/bin");
  fs.mkdirSync(bin, { recursive: true });
  fs.copyFileSync("/bin/busybox", path.join(bin, "busybox"));
  for (const name of ["sh", "sleep", "true"]) fs.symlinkSync("busybox", path.join(bin, name));
  fs.writeFileSync(path.join(bin, "data"), "not a program\n", { mode: 0o644 });
}

const calls = [];

/** Runs one command and notes all that it left. The outputs of `create` are the container's: not captured. */
function call(name, args, { detached = false } = {}) {
  const log = path.join(scratch, `${name}.log`);
  const all = ["--root", path.join(scratch, "root"), "--log", log, "--log-format", "json", ...args];
  const stdio = detached ? "ignore" : ["ignore", "pipe", "pipe"];
  const { status, signal, stdout, stderr } = spawnSync(runtime, all, { stdio, encoding: "utf8" });
  const lines = fs.existsSync(log) ? fs.readFileSync(log, "utf8").split("\n").filter(Boolean) : [];
  const note = { name, args, status, signal, stdout: stdout ?? "", stderr: stderr ?? "", log: lines };
  calls.push(note);
  return note;
}

/** Waits until the killed init was reaped by whoever adopted it. */
function awaitReaped(pidFile) {
  const pid = fs.readFileSync(pidFile, "utf8").trim();
  while (fs.existsSync(`/proc/${pid}`)) spawnSync("sleep", ["0.05"]);
}

function recordFailedCreates() {
  const bundles = {
    "binary-not-in-path": (config) => Object.assign(config.process, { args: ["nosuchprogram"] }),
    "binary-missing": (config) => Object.assign(config.process, { args: ["/bin/nosuchprogram"] }),
    "binary-not-executable": (config) => Object.assign(config.process, { args: ["/bin/data"] }),
    "rootfs-missing": (config) => Object.assign(config.root, { path: path.join(scratch, "nosuchdir") }),
    "mount-source-missing": (config) =>
      config.mounts.push({ destination: "/mnt", type: "bind", source: "/nosuchdir", options: ["bind"] }),
    "namespace-missing": (config) => config.linux.namespaces.push({ type: "network", path: "/run/nosuchns" }),
  };
  for (const [name, change] of Object.entries(bundles)) {
    call(`create-${name}`, ["create", "--bundle", makeBundle(name, change), "c0"]);
    call("cleanup", ["delete", "--force", "c0"]);
  }
  const garbage = makeBundle("garbage");
  fs.writeFileSync(path.join(garbage, "config.json"), '{"ociVersion": ');
  call("create-config-garbage", ["create", "--bundle", garbage, "c0"]);
  fs.rmSync(path.join(garbage, "config.json"));
  call("create-config-missing", ["create", "--bundle", garbage, "c0"]);
}

function recordLife() {
  const bundle = makeBundle("life");
  const pidFile = path.join(scratch, "init.pid");
  const resources = path.join(scratch, "resources.json");
  fs.writeFileSync(resources, JSON.stringify({ pids: { limit: 50 } }));
  call("create", ["create", "--bundle", bundle, "--pid-file", pidFile, "c1"], { detached: true });
  call("create-twice", ["create", "--bundle", bundle, "c1"]);
  call("state-created", ["state", "c1"]);
  call("kill-bad-signal", ["kill", "c1", "999"]);
  call("start", ["start", "c1"]);
  call("start-twice", ["start", "c1"]);
  call("state-running", ["state", "c1"]);
  call("ps-running", ["ps", "--format", "json", "c1"]);
  call("list", ["list", "--format", "json"]);
  call("stats", ["events", "--stats", "c1"]);
  call("resume-running", ["resume", "c1"]);
  call("pause", ["pause", "c1"]);
  call("pause-twice", ["pause", "c1"]);
  call("state-paused", ["state", "c1"]);
  call("exec-paused", ["exec", "c1", "true"]);
  call("resume", ["resume", "c1"]);
  call("exec-binary-missing", ["exec", "c1", "nosuchprogram"]);
  call("delete-running", ["delete", "c1"]);
  call("update", ["update", "--resources", resources, "c1"]);
  call("update-empty", ["update", "--resources", "/dev/null", "c1"]);
  call("checkpoint", ["checkpoint", "--image-path", path.join(scratch, "image"), "c1"]);
  call("kill", ["kill", "c1", "9"]);
  awaitReaped(pidFile);
  call("kill-stopped", ["kill", "c1", "9"]);
  call("kill-all-stopped", ["kill", "--all", "c1", "9"]);
  for (const command of ["state", "start", "pause", "resume"]) call(`${command}-stopped`, [command, "c1"]);
  call("ps-stopped", ["ps", "--format", "json", "c1"]);
  call("exec-stopped", ["exec", "c1", "true"]);
  call("update-stopped", ["update", "--resources", resources, "c1"]);
  call("delete", ["delete", "c1"]);
  for (const command of ["state", "start", "kill", "delete", "pause", "resume"])
    call(`${command}-missing`, [command, "c1"]);
  call("ps-missing", ["ps", "--format", "json", "c1"]);
  call("exec-missing", ["exec", "c1", "true"]);
  call("update-missing", ["update", "--resources", resources, "c1"]);
  call("delete-force-missing", ["delete", "--force", "c1"]);
  call("list-empty", ["list", "--format", "json"]);
  call("unknown-command", ["nosuchcommand"]);
}

fs.rmSync(scratch, { recursive: true, force: true });
makeRootfs();
call("features", ["features"]);
call("version", ["--version"]);
recordFailedCreates();
recordLife();
const [, name, version] = /^(\S+) version ([\d.]+)/.exec(calls.find((c) => c.name === "version").stdout);
const out = path.join(here, "recorded", `${name}-${version}`);
fs.mkdirSync(out, { recursive: true });
const kept = calls.filter((c) => c.name !== "cleanup");
const failed = kept.filter((c) => c.status !== 0 && c.signal === null);
fs.writeFileSync(path.join(out, "failures.json"), `${JSON.stringify(failed, null, 2)}\n`);
for (const { name, stdout } of kept.filter((c) => c.status === 0 && c.stdout.trim() !== "")) {
  fs.writeFileSync(path.join(out, `${name}.${name === "version" ? "txt" : "json"}`), `${stdout.trim()}\n`);
}
fs.rmSync(scratch, { recursive: true, force: true });
process.stdout.write(`${out}: ${failed.length} failures, ${kept.length - failed.length} successes\n`);

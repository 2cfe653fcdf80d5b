/**
 * Records what containerd, its Go shim and containerd's event service say to each other over ttrpc, into
 * test/fixtures/ttrpc/. Needs root, containerd with ctr and containerd-shim-runc-v2, runc and a static busybox.
 * Everything happens in a containerd of its own below /run/ebb-record, which is removed afterwards.
 *
 *   node scripts/record-ttrpc.mjs
 *
 * The runtime that containerd is told to use is a wrapper of the Go shim: it answers `start` with the address of
 * a proxy, and gives the shim a proxy for the event service; both proxies write down what passes.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fail, root, which } from "./steps.mjs";

const dir = "/run/ebb-record";
const at = (...names) => path.join(dir, ...names);
const fixtures = path.join(root, "test/fixtures/ttrpc");
const shim = "containerd-shim-runc-v2";
const env = { ...process.env, PATH: `${at("bin")}:${process.env.PATH}` };

const config = `version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
root = "${at("root")}"
state = "${at("state")}"
[grpc]
  address = "${at("containerd.sock")}"
`;

const wrapper = `#!/bin/sh
case " $* " in
  *" start "*)
    address=$(TTRPC_ADDRESS=${at("events.sock")} ${shim} "$@") || exit 1
    printf %s "$address" > ${at("task.address")}
    printf %s unix://${at("task.sock")} ;;
  *) exec ${shim} "$@" ;;
esac
`;

/** Listens on a socket and passes everything on, with its bytes written down in the order they came. */
async function proxy(name, target) {
  const conversations = [];
  const server = net.createServer((client) => {
    const conversation = [];
    conversations.push(conversation);
    const peer = net.connect(target());
    const pass = (from, to, who) => {
      from.on("data", (chunk) => {
        conversation.push([who, chunk]);
        to.write(chunk);
      });
      from.on("close", () => to.destroy());
      from.on("error", () => {});
    };
    pass(client, peer, "client");
    pass(peer, client, "server");
  });
  server.listen(at(name));
  await once(server, "listening");
  return { conversations, close: () => server.close() };
}

/** A docker archive with one layer: busybox and the commands used below. */
function makeImage() {
  fs.mkdirSync(at("image/layer/bin"), { recursive: true });
  fs.copyFileSync(which("busybox"), at("image/layer/bin/busybox"));
  for (const name of ["sh", "sleep", "echo", "cat"]) fs.symlinkSync("busybox", at("image/layer/bin", name));
  const tar = (cwd, file, ...names) => spawnSync("tar", ["-C", cwd, "-cf", file, ...names]);
  tar(at("image/layer"), at("image/layer.tar"), ".");
  const { stdout } = spawnSync("sha256sum", [at("image/layer.tar")], { encoding: "utf8" });
  const rootfs = { type: "layers", diff_ids: [`sha256:${stdout.split(" ")[0]}`] };
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const image = { architecture, os: "linux", config: { Cmd: ["/bin/sleep", "1000"] }, rootfs };
  fs.writeFileSync(at("image/config.json"), JSON.stringify(image));
  const manifest = [{ Config: "config.json", RepoTags: ["example.org/rec:1"], Layers: ["layer.tar"] }];
  fs.writeFileSync(at("image/manifest.json"), JSON.stringify(manifest));
  tar(at("image"), at("image.tar"), "manifest.json", "config.json", "layer.tar");
  return at("image.tar");
}

/** Runs ctr without blocking the proxies; resolves to its exit status. */
async function ctr(...args) {
  const child = spawn("ctr", ["-a", at("containerd.sock"), "-n", "rec", ...args], { env, stdio: "inherit" });
  const [status] = await once(child, "exit");
  process.stderr.write(`ctr ${args.join(" ")}: ${status}\n`);
  return status;
}

/** What is recorded: a container's life with most of the task service in it, errors included. */
async function converse() {
  const run = ["run", "-d", "--runtime", "io.containerd.rec.v2", "example.org/rec:1", "rec-1"];
  if ((await ctr(...run)) !== 0) fail("ctr run failed");
  await ctr("task", "ls");
  await ctr("task", "exec", "--exec-id", "hello", "rec-1", "/bin/echo", "hello");
  await ctr("task", "exec", "--exec-id", "absent", "rec-1", "/bin/absent");
  await ctr("task", "ps", "rec-1");
  await ctr("task", "metrics", "rec-1");
  await ctr("task", "pause", "rec-1");
  await ctr("task", "resume", "rec-1");
  await ctr("task", "kill", "--exec-id", "nobody", "rec-1");
  await ctr("task", "kill", "-s", "SIGKILL", "rec-1");
  await sleep(500);
  await ctr("task", "kill", "-s", "SIGKILL", "rec-1");
  await ctr("task", "delete", "rec-1");
  await ctr("container", "delete", "rec-1");
}

/** Joins what one side sent without the other in between, as hex. */
function toFixture(conversation) {
  const turns = [];
  for (const [who, chunk] of conversation) {
    const last = turns.at(-1);
    if (last?.[0] === who) last[1] += chunk.toString("hex");
    else turns.push([who, chunk.toString("hex")]);
  }
  return turns;
}

function save(name, { conversations }) {
  const recorded = conversations.filter((conversation) => conversation.length > 0).map(toFixture);
  fs.mkdirSync(fixtures, { recursive: true });
  const lines = recorded.map((turns) => `[\n  ${turns.map((turn) => JSON.stringify(turn)).join(",\n  ")}\n]`);
  fs.writeFileSync(path.join(fixtures, `${name}.json`), `[${lines.join(",\n")}]\n`);
}

if (process.getuid() !== 0) fail("recording needs root");
for (const program of ["containerd", "ctr", shim, "busybox"])
  which(program) ?? fail(`${program} is not in PATH`);
fs.rmSync(dir, { recursive: true, force: true });
fs.mkdirSync(at("bin"), { recursive: true });
fs.writeFileSync(at("config.toml"), config);
fs.writeFileSync(at("bin/containerd-shim-rec-v2"), wrapper, { mode: 0o755 });
const task = await proxy("task.sock", () =>
  fs.readFileSync(at("task.address"), "utf8").replace(/^unix:\/\//, ""),
);
const events = await proxy("events.sock", () => at("containerd.sock.ttrpc"));
const log = fs.openSync(at("log"), "w");
const daemon = spawn("containerd", ["-c", at("config.toml")], { env, stdio: ["ignore", log, log] });
try {
  while (!fs.existsSync(at("containerd.sock"))) await sleep(50);
  if ((await ctr("image", "import", makeImage())) !== 0) fail("the image could not be imported");
  await converse();
  save("task", task);
  save("events", events);
} finally {
  daemon.kill("SIGTERM");
  await once(daemon, "exit");
  task.close();
  events.close();
  fs.rmSync(dir, { recursive: true, force: true });
}

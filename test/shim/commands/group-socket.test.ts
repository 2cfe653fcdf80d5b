import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { accepts, claimGroupSocket } from "../../../src/shim/commands/group-socket.ts";
import { removeStaleSocket } from "../../../src/shim/commands/stale-socket.ts";
import { Server } from "../../../src/ttrpc/index.ts";

const here = path.dirname(fileURLToPath(import.meta.url));
const module = pathToFileURL(path.join(here, "../../../src/shim/commands/group-socket.ts")).href;
let dir = "";

/** A process that claims the socket and keeps it for a while: what `start` and its server are together. */
const claimer = (socket: string, keepMs: number) => `
  const { claimGroupSocket } = await import(${JSON.stringify(module)});
  const claim = await claimGroupSocket(${JSON.stringify(socket)});
  process.stdout.write(claim.living ? "living" : "claimed");
  if (!claim.living) setTimeout(() => process.exit(0), ${keepMs}); else process.exit(0);`;

async function leaveStaleSocket(socket: string): Promise<void> {
  const child = spawn(process.execPath, ["-e", claimer(socket, 60_000)]);
  await new Promise((resolve) => child.stdout.once("data", resolve));
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  assert.ok(fs.statSync(socket).isSocket());
}

before(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-socket-"));
});
after(() => fs.rmSync(dir, { recursive: true }));

describe("claimGroupSocket", () => {
  test("makes a socket that only its owner can use, in a directory of the same kind", async () => {
    const socket = path.join(dir, "s/own");
    const claim = await claimGroupSocket(socket);
    assert.equal(claim.living, false);
    assert.equal(fs.statSync(socket).mode & 0o777, 0o600);
    assert.equal(fs.statSync(path.dirname(socket)).mode & 0o777, 0o700);
    assert.equal(await accepts(socket), true);
  });

  test("finds the one that lives", async () => {
    const socket = path.join(dir, "living");
    const server = net.createServer().listen(socket);
    await new Promise((resolve) => server.once("listening", resolve));
    assert.deepEqual(await claimGroupSocket(socket), { living: true });
    server.close();
  });

  test("replaces the one that a dead shim left", async () => {
    const socket = path.join(dir, "stale");
    await leaveStaleSocket(socket);
    assert.equal((await claimGroupSocket(socket)).living, false);
    assert.equal(await accepts(socket), true);
  });

  test("of several at once over a stale socket, one wins and the others find it", async () => {
    const socket = path.join(dir, "race");
    await leaveStaleSocket(socket);
    const racers = Array.from({ length: 8 }, () => spawn(process.execPath, ["-e", claimer(socket, 60_000)]));
    const answer = (racer: (typeof racers)[number]) =>
      new Promise<string>((resolve) => racer.stdout.once("data", (chunk) => resolve(String(chunk))));
    const answers = await Promise.all(racers.map(answer));
    for (const racer of racers) racer.kill("SIGKILL");
    assert.equal(answers.filter((answer) => answer === "claimed").length, 1, answers.join(" "));
    assert.equal(answers.filter((answer) => answer === "living").length, 7, answers.join(" "));
  });
});

describe("removeStaleSocket", () => {
  test("removes the socket of a dead shim", async () => {
    const socket = path.join(dir, "dead");
    await leaveStaleSocket(socket);
    await removeStaleSocket(socket);
    assert.equal(fs.existsSync(socket), false);
  });

  test("removes that of one that is dying, once it listens no more", async () => {
    const socket = path.join(dir, "dying");
    // Like one whose connections the kernel has closed, and whose socket it has not.
    const child = spawn(process.execPath, ["-e", claimer(socket, 60_000)]);
    await new Promise((resolve) => child.stdout.once("data", resolve));
    child.kill("SIGSTOP");
    const removed = removeStaleSocket(socket);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(fs.existsSync(socket), true);
    child.kill("SIGKILL");
    await removed;
    assert.equal(fs.existsSync(socket), false);
  });

  test("leaves that of one that answers alone", async () => {
    const socket = path.join(dir, "answering");
    const server = new Server();
    const listener = net.createServer((client) => server.accept(client)).listen(socket);
    await new Promise((resolve) => listener.once("listening", resolve));
    await removeStaleSocket(socket);
    assert.equal(await accepts(socket), true);
    listener.close();
  });

  test("leaves a living one, a file and nothing alone", async () => {
    const socket = path.join(dir, "alive");
    const server = net.createServer().listen(socket);
    await new Promise((resolve) => server.once("listening", resolve));
    await removeStaleSocket(socket);
    assert.equal(await accepts(socket), true);
    server.close();
    const file = path.join(dir, "file");
    fs.writeFileSync(file, "");
    await removeStaleSocket(file);
    assert.ok(fs.existsSync(file));
    await removeStaleSocket(path.join(dir, "nothing"));
  });
});

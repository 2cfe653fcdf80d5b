import fs from "node:fs";
import { within } from "../../base/deadline.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { writeAddress } from "../../oci/address-file.ts";
import { readAnnotations } from "../../oci/annotations.ts";
import { bundlePaths } from "../../oci/bundle-paths.ts";
import { checkId } from "../../oci/id.ts";
import type { AnyMessage } from "../../oci/options.ts";
import { type BunProcess, bun } from "../bun.ts";
import { type Flags, usageError } from "../flags.ts";
import { selfCommand } from "../self.ts";
import type { Settings } from "../settings.ts";
import { standbyFolder } from "../standby/folder.ts";
import { type Bootstrap, encodeAnswer, MAX_STDIN_BYTES, readBootstrap } from "./bootstrap.ts";
import { type ClaimedSocket, claimGroupSocket } from "./group-socket.ts";
import { READY_FD, SERVER_SOCKET_FD } from "./ready.ts";
import { serverEnv } from "./server-env.ts";
import { DEFAULT_SOCKET_DIR, groupOf, socketAddress, socketPath } from "./socket-address.ts";
import { readStdin } from "./stdin.ts";

/**
 * The `start` command: finds the living shim of the container's group or launches a server for it, and writes
 * one answer to stdout, in the form that the daemon's generation reads. The working directory is the bundle.
 * Nothing else is printed, and the server inherits neither stdout nor stderr: the daemon waits for both to close.
 */
export async function start(flags: Flags): Promise<void> {
  checkStartFlags(flags);
  const bundle = process.cwd();
  const annotations = readAnnotations(bundle);
  const bootstrap = readBootstrap(await readStdin(MAX_STDIN_BYTES), flags, process.env);
  const socket = socketPath({
    dir: bootstrap.socketDir ?? DEFAULT_SOCKET_DIR,
    address: flags.address,
    namespace: flags.namespace,
    group: groupOf(flags.id, annotations),
  });
  const server = await serverFor({ flags, socket, bootstrap, bundle, env: serverEnv() });
  try {
    // All that can be done while a server starts, which takes longer.
    const { serverReadyMs } = await settings(flags);
    // Daemons up to 1.6 find the shim by this file after their own restart.
    writeAddress(bundle, socketAddress(socket));
    const answer = await encodeAnswer(bootstrap.generation, socketAddress(socket), process.env);
    if (server !== undefined) await within(server.ready, serverReadyMs, "the server's start");
    server?.serve();
    fs.writeSync(1, answer);
  } catch (thrown) {
    if (server !== undefined) {
      server.end();
      fs.rmSync(bundlePaths(bundle).address, { force: true });
    }
    throw StatusError.from(thrown);
  }
}

function checkStartFlags(flags: Flags): void {
  if (flags.namespace === "") throw usageError("flag -namespace is missing or empty");
  if (flags.id === "") throw usageError("flag -id is missing or empty");
  checkId(flags.id);
  checkId(flags.namespace);
}

/** Whom a server is for. */
interface Need {
  readonly flags: Flags;
  readonly socket: string;
  readonly bootstrap: Bootstrap;
  readonly bundle: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A server that is to serve the group. */
interface Found {
  /** Resolves when it serves; rejects with what it says instead. */
  readonly ready: Promise<unknown>;
  /** To be called when nothing but the answer is left; throws where the server has gone since. */
  serve(): void;
  /** Takes it back. */
  end(): void;
}

/** The server for a group: one that stands by, or one that is launched. Undefined where the group has one. */
async function serverFor(need: Need): Promise<Found | undefined> {
  const { socket, bundle, bootstrap, env, flags } = need;
  const args = serverArgs(need);
  const folder = standbyFolder(socket);
  if (!fs.existsSync(folder)) return await launched(need, args);
  const { askStandby } = await import("../standby/ask.ts");
  const { standbyAnswerMs: limitMs } = await settings(flags);
  const asked = await askStandby({ folder, bundle, args, env, options: bootstrap.options, limitMs });
  const { server } = asked;
  if (typeof server === "object") {
    const end = () => {
      // One that has gone by itself has removed its socket, and what is there now is another's.
      if (server.end()) fs.rmSync(socket, { force: true });
    };
    return { ready: Promise.resolve(), serve: server.serve, end };
  }
  const found = server === "living" ? undefined : await launched(need, asked.args);
  if (found !== undefined || !asked.isInDoubt) return found;
  const message = `a server that stands by has not said within ${limitMs} ms whether it serves ${socket}: try again`;
  throw new StatusError(StatusCode.unavailable, message);
}

async function settings(flags: Flags): Promise<Settings> {
  const { settingsForStart } = await import("./command-settings.ts");
  return await settingsForStart(flags);
}

function serverArgs({ flags, socket, bootstrap }: Need): string[] {
  const { namespace, id, address } = flags;
  const names = ["-namespace", namespace, "-id", id, "-address", address, "-socket", socket];
  return [...names, "-log-level", bootstrap.logLevel];
}

/** A server that is launched, unless the group has one. */
async function launched(need: Need, args: readonly string[]): Promise<Found | undefined> {
  const claim = await claimGroupSocket(need.socket);
  return claim.living ? undefined : launchServer(need, args, claim);
}

/** Launches the server in a session of its own. */
function launchServer(
  { socket, bootstrap, env }: Need,
  args: readonly string[],
  claim: ClaimedSocket,
): Found {
  const stdio: ("ignore" | "pipe" | number)[] = ["ignore", "ignore", "ignore"];
  stdio[SERVER_SOCKET_FD] = claim.listener.fd;
  stdio[READY_FD] = "pipe";
  let server: BunProcess | undefined;
  const end = () => {
    server?.kill("SIGKILL");
    fs.rmSync(socket, { force: true });
  };
  try {
    server = bun.spawn([...selfCommand(), ...args], { detached: true, stdio, env });
    server.unref();
    claim.leave();
  } catch (thrown) {
    end();
    throw thrown;
  }
  const ready = Promise.all([
    putIntoCgroup(server.pid, bootstrap.options),
    readReady(Number(server.stdio[READY_FD])),
  ]);
  // Whoever waits for it hears of its failure, and before that something else may fail.
  ready.catch(() => {});
  return { ready, serve: () => {}, end };
}

/** Puts the server into the control group that the options name. Options that say nothing are not decoded. */
async function putIntoCgroup(pid: number, options: AnyMessage | undefined): Promise<void> {
  if (options === undefined || options.value?.length === 0) return;
  const { decodeRuncOptions } = await import("../../oci/decode-options.ts");
  const { shimCgroup } = await decodeRuncOptions(options);
  if (shimCgroup === "") return;
  const { joinCgroup } = await import("../../linux/cgroup/join.ts");
  await joinCgroup(pid, shimCgroup);
}

/** Resolves when the server has written that it serves; rejects with what it wrote instead. */
async function readReady(pipe: number): Promise<void> {
  const text = await bun.file(pipe).text();
  if (text === "ready") return;
  throw new StatusError(StatusCode.unavailable, text === "" ? "the server ended before it served" : text);
}

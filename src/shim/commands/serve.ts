import fs from "node:fs";
import type { Duplex } from "node:stream";
import { within } from "../../base/deadline.ts";
import { deferred } from "../../base/deferred.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { closeInherited, countDescriptors } from "../../linux/fdinfo.ts";
import { writeAddress } from "../../oci/address-file.ts";
import { readAnnotations } from "../../oci/annotations.ts";
import { bundlePaths } from "../../oci/bundle-paths.ts";
import type { AnyMessage } from "../../oci/options.ts";
import type { Flags } from "../flags.ts";
import type { Settings } from "../settings.ts";
import { streamsTo } from "../socket-stream.ts";
import type { Asked as Answer } from "../standby/ask.ts";
import { makeStandbyFolder, standbyFolder } from "../standby/folder.ts";
import { namedProcess, wordOf } from "../standby/named-process.ts";
import { encodeAnswer, type Generation, MAX_STDIN_BYTES, readBootstrap } from "./bootstrap.ts";
import { checkNames } from "./check-names.ts";
import { settingsForStart } from "./command-settings.ts";
import { type ClaimedSocket, claimGroupSocket, type GroupSocket } from "./group-socket.ts";
import { answerDaemon, COMMAND_LINE_ROOM } from "./ready.ts";
import { DEFAULT_SOCKET_DIR, groupOf, socketAddress, socketPath } from "./socket-address.ts";
import { readStdin } from "./stdin.ts";
import type { Served, Serving, TaskServer } from "./task-server.ts";

/** What ends a server in order. */
const ENDING = ["SIGTERM", "SIGINT"] as const;

/**
 * What would end it and does not end containerd's own shim, in which Go's runtime takes every signal that is no fault:
 * operators and their programs send some of these, and the end of a terminal's session the first, to a server that has
 * not left it yet. A handler, unlike an ignored signal, is nobody's inheritance.
 */
const SURVIVED = [
  "SIGHUP",
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGVTALRM",
  "SIGPROF",
  "SIGIO",
  "SIGXCPU",
] as const;

/** A claimed socket of this process: its own descriptor, and its directory's. */
const SOCKET_DESCRIPTORS = 2;

/** What the daemon asks `start` for. */
interface Asked {
  /** With the group's socket, what is to be logged, and whose the container is. */
  readonly flags: Flags;
  readonly bundle: string;
  readonly generation: Generation;
  /** The control group that the options want this process in; empty where they name none. */
  readonly shimCgroup: string;
  readonly settings: Settings;
  /** Whether this process's command line has room for that of another container. */
  readonly hasRoom: boolean;
}

/** How to take back what was made for an answer, the last first. */
type Undo = (() => void)[];

/**
 * The server, from the daemon's question on: `start` in a process that stays. It answers the daemon, in the form that the
 * daemon's generation reads, with the address of the shim that serves the container's group, where one lives or stands by,
 * and ends; else with its own, and serves. The working directory is the bundle. Nothing else is printed, and stdout and
 * stderr are let go: the daemon waits for both to close.
 *
 * It says that it serves as soon as nothing can keep it from that, and loads what it serves with while the daemon reads
 * the answer and connects: the kernel takes connections from the first moment on. When it is no longer needed it may
 * stand by for the daemon's next container.
 */
export async function serve(flags: Flags, daemonPid: number): Promise<void> {
  const signalled = takeSignals();
  const tooSoon = signalled.then((signal) => {
    throw new StatusError(StatusCode.aborted, `${signal} came before the server served`);
  });
  const asked = await Promise.race([tooSoon, readQuestion(flags, daemonPid)]);
  const undo: Undo = [];
  const door = new Door();
  let own: ClaimedSocket | undefined;
  try {
    const answering = Promise.race([tooSoon, answered(asked, door, undo)]);
    own = await within(answering, asked.settings.serverReadyMs, "the server's start");
  } catch (thrown) {
    for (const step of undo.reverse()) step();
    throw StatusError.from(thrown);
  }
  if (own !== undefined) await serveGroup(asked, door, own, signalled);
}

async function readQuestion(flags: Flags, daemonPid: number): Promise<Asked> {
  checkNames(flags);
  const bundle = process.cwd();
  const annotations = readAnnotations(bundle);
  const { socketDir, logLevel, generation, options } = readBootstrap(
    await readStdin(MAX_STDIN_BYTES),
    flags,
    process.env,
  );
  const socket = socketPath({
    dir: socketDir ?? DEFAULT_SOCKET_DIR,
    address: flags.address,
    namespace: flags.namespace,
    group: groupOf(flags.id, annotations),
  });
  const daemon = namedProcess(daemonPid);
  const served = { ...flags, socket, logLevel, daemon: daemon === undefined ? "" : wordOf(daemon) };
  const hasRoom = process.argv.at(-1) === COMMAND_LINE_ROOM;
  const settings = await settingsForStart(flags);
  return { flags: served, bundle, generation, hasRoom, settings, shimCgroup: await shimCgroupOf(options) };
}

/** Options that say nothing are not decoded. */
async function shimCgroupOf(options: AnyMessage | undefined): Promise<string> {
  if (!options?.value?.length) return "";
  const { decodeRuncOptions } = await import("../../oci/decode-options.ts");
  return (await decodeRuncOptions(options)).shimCgroup;
}

/** Has the daemon answered. Undefined where another process serves the group. */
async function answered(asked: Asked, door: Door, undo: Undo): Promise<ClaimedSocket | undefined> {
  const { socket } = asked.flags;
  const answer = await encodeAnswer(asked.generation, socketAddress(socket), process.env);
  // Before there is a socket: the `delete` command finds by it what a server that is killed here leaves.
  noteAddress(asked, undo);
  const { server, isInDoubt } = await askStandby(asked);
  if (typeof server === "object") {
    // One that has gone by itself has removed its socket, and what is there now is another's.
    undo.push(() => void (server.end() && fs.rmSync(socket, { force: true })));
    server.serve();
    return void answerDaemon(answer);
  }
  const claim = server === "living" ? LIVING : await claimed(asked, door);
  if (claim.living) {
    if (isInDoubt) throw inDoubt(asked);
    return void answerDaemon(answer);
  }
  undo.push(() => fs.rmSync(socket, { force: true }));
  answerDaemon(answer);
  return claim;
}

const LIVING: GroupSocket = { living: true };

/** Becomes what the daemon asks for, and then claims the socket: in a group that is frozen it gets no further. */
async function claimed({ flags, shimCgroup }: Asked, door: Door): Promise<GroupSocket> {
  if (shimCgroup !== "") {
    const { joinCgroup } = await import("../../linux/cgroup/join.ts");
    await joinCgroup(process.pid, shimCgroup);
  }
  if ((process.env.SCHED_CORE ?? "") !== "") await takeOwnCores();
  return await claimGroupSocket(flags.socket, streamsTo(door.take));
}

/**
 * Daemons up to 1.6 find the shim by this file after their own restart. What an earlier container in the bundle has left
 * is not this one's end.
 */
function noteAddress({ bundle, flags }: Asked, undo: Undo): void {
  const { address, deleted } = bundlePaths(bundle);
  const isNew = !fs.existsSync(address);
  writeAddress(bundle, socketAddress(flags.socket));
  if (isNew) undo.push(() => fs.rmSync(address, { force: true }));
  fs.rmSync(deleted, { force: true });
}

/** Who stands by and serves the group from now on, if anybody: in the daemon's control group, where it would stay. */
async function askStandby({ flags, bundle, shimCgroup, settings }: Asked): Promise<Answer> {
  const folder = standbyFolder(flags.socket);
  if (shimCgroup !== "" || !fs.existsSync(folder)) return { server: undefined, isInDoubt: false };
  const ask = await import("../standby/ask.ts");
  return await ask.askStandby({ folder, flags, bundle, limitMs: settings.standbyAnswerMs });
}

function inDoubt({ flags, settings }: Asked): StatusError {
  const message =
    `a server that stands by has not said within ${settings.standbyAnswerMs} ms whether it serves ` +
    `${flags.socket}: try again`;
  return new StatusError(StatusCode.unavailable, message);
}

/** What the daemon asks for by SCHED_CORE. Without it `start` fails: who asks for it relies on it. */
async function takeOwnCores(): Promise<void> {
  try {
    const { loadLibc } = await import("../../linux/koffi-libc.ts");
    loadLibc().createCoreGroup();
  } catch (thrown) {
    const { code, message } = StatusError.from(thrown);
    const error = `SCHED_CORE asks for core scheduling, which this host has not: ${message}`;
    throw new StatusError(code, error, { cause: thrown });
  }
}

/** Resolves when a signal is to end this process. */
function takeSignals(): Promise<string> {
  const signalled = deferred<string>();
  for (const signal of ENDING) process.on(signal, () => signalled.resolve(signal));
  for (const signal of SURVIVED) process.on(signal, () => {});
  // A shell has what it starts in the background ignore this one.
  process.once("SIGQUIT", nothing).off("SIGQUIT", nothing);
  return signalled.promise;
}

function nothing(): void {}

/** Serves the group of this process's socket, and then, where the settings say so, whom it is asked to by and by. */
async function serveGroup(
  { flags, settings, hasRoom, shimCgroup }: Asked,
  door: Door,
  own: ClaimedSocket,
  signalled: Promise<string>,
): Promise<void> {
  closeInherited();
  const mayStandBy = settings.standbyAtOnce > 0 && hasRoom && shimCgroup === "";
  // The socket goes with the first container.
  const descriptors = mayStandBy ? countDescriptors() - SOCKET_DESCRIPTORS : 0;
  const serving = { flags, settings, listener: { stop: own.leave }, signalled };
  const served = await firstServed(serving, door);
  // The socket may be somebody else's from here on.
  if (!mayStandBy) return;
  const { serveNext } = await import("../standby/stand-by.ts");
  await serveNext(serving, served, descriptors);
}

/** Serves whom the daemon has asked for. */
async function firstServed(serving: Serving, door: Door): Promise<Served> {
  const { flags, settings } = serving;
  try {
    if (settings.standbyAtOnce > 0) makeStandbyFolder(flags.socket);
    const { TaskServer } = await import("./task-server.ts");
    const server = new TaskServer();
    door.open(server);
    return await server.serve(serving);
  } catch (err) {
    fs.rmSync(flags.socket, { force: true });
    throw err;
  }
}

/** Where those wait who connect before there is a server for them. */
class Door {
  #waiting: Duplex[] = [];
  #server: Pick<TaskServer, "accept"> | undefined;

  readonly take = (stream: Duplex): void => {
    if (this.#server === undefined) {
      stream.pause();
      this.#waiting.push(stream);
    } else this.#server.accept(stream);
  };

  open(server: Pick<TaskServer, "accept">): void {
    this.#server = server;
    for (const stream of this.#waiting.splice(0)) {
      if (stream.destroyed) continue;
      server.accept(stream);
      stream.resume();
    }
  }
}

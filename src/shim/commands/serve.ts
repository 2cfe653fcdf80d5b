import fs from "node:fs";
import { deferred } from "../../base/deferred.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { countDescriptors } from "../../linux/fdinfo.ts";
import { type Flags, usageError } from "../flags.ts";
import { makeStandbyFolder } from "../standby/folder.ts";
import { settingsForServer } from "./command-settings.ts";
import { reportFailure, reportReady, SERVER_SOCKET_FD } from "./ready.ts";
import type { Serving } from "./task-server.ts";

/** What ends a server in order. */
const ENDING = ["SIGTERM", "SIGINT"] as const;

/**
 * What would end it and does not end containerd's own shim, in which Go's runtime takes every signal that is no fault:
 * operators and their programs send some of these. A handler, unlike an ignored signal, is nobody's inheritance.
 */
const SURVIVED = ["SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGIO", "SIGXCPU"] as const;

/**
 * The server. It says that it serves as soon as nothing can keep it from that, and loads what it serves with while
 * the daemon reads the answer of `start` and connects: the kernel takes connections from the first moment on. When it
 * is no longer needed it may stand by for the daemon's next container.
 */
export async function serve(flags: Flags): Promise<void> {
  const settings = await settingsForServer();
  if (flags.namespace === "") throw usageError("flag -namespace is missing or empty");
  if (!isSocket(SERVER_SOCKET_FD)) {
    const message = "the server inherits its socket from start: call `start`, not the server";
    reportFailure(message);
    throw new StatusError(StatusCode.failedPrecondition, message);
  }
  if ((process.env.SCHED_CORE ?? "") !== "") await takeOwnCores();
  const signalled = deferred<string>();
  for (const signal of ENDING) process.on(signal, () => signalled.resolve(signal));
  for (const signal of SURVIVED) process.on(signal, () => {});
  reportReady();
  const mayStandBy = settings.standbyAtOnce > 0;
  // The socket that it has inherited goes with the first container.
  const descriptors = mayStandBy ? countDescriptors() - 1 : 0;
  const ended = await serveFirst(flags, { settings, signalled: signalled.promise });
  // The socket may be somebody else's from here on.
  if (mayStandBy) {
    const { serveNext } = await import("../standby/stand-by.ts");
    await serveNext(ended.serving, ended.served, descriptors);
  }
  process.exit(0);
}

/** Serves whom `start` has launched this process for. */
async function serveFirst(flags: Flags, host: Pick<Serving, "settings" | "signalled">) {
  try {
    const { TaskServer } = await import("./task-server.ts");
    const { acceptAt } = await import("../socket-stream.ts");
    const server = new TaskServer();
    const listener = acceptAt({ fd: SERVER_SOCKET_FD }, (stream) => server.accept(stream));
    if (host.settings.standbyAtOnce > 0 && flags.socket !== "") makeStandbyFolder(flags.socket);
    const serving = { ...host, flags, listener };
    return { serving, served: await server.serve(serving) };
  } catch (err) {
    if (flags.socket !== "") fs.rmSync(flags.socket, { force: true });
    throw err;
  }
}

function isSocket(fd: number): boolean {
  try {
    return fs.fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}

/** What the daemon asks for by SCHED_CORE. Without it `start` fails: who asks for it relies on it. */
async function takeOwnCores(): Promise<void> {
  try {
    const { loadLibc } = await import("../../linux/koffi-libc.ts");
    loadLibc().createCoreGroup();
  } catch (thrown) {
    const { code, message } = StatusError.from(thrown);
    const error = `SCHED_CORE asks for core scheduling, which this host has not: ${message}`;
    reportFailure(error);
    throw new StatusError(code, error, { cause: thrown });
  }
}

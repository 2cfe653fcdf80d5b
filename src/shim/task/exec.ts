import fs from "node:fs";
import { deadline } from "../../base/deadline.ts";
import { writeFileAtomically } from "../../base/files.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { hastenMove } from "../../linux/cgroup/hasten.ts";
import { readProcessStat } from "../../linux/process-stat.ts";
import { type ExecPaths, execPaths } from "../../oci/bundle-paths.ts";
import { readPidFile } from "../../oci/pid-file.ts";
import type { Runc } from "../../oci/runc.ts";
import { openStdio } from "../stdio/open-stdio.ts";
import type { ProcessStdio } from "../stdio/stdio.ts";
import { Steps } from "../steps.ts";
import { type Exit, Process, type ProcessParts } from "./process.ts";

/** What an exec is made of. */
export interface ExecParts extends ProcessParts {
  readonly runc: Runc;
  /** The OCI process as JSON text. */
  readonly spec: string;
  /** The owner of its stdio pipes. */
  readonly io: { readonly uid: number; readonly gid: number };
  /** Aborted when the container has ended and nothing is worth waiting for any longer. */
  readonly signal: AbortSignal;
}

/** The status of an exec that could not be started, as the daemon reports a process that nobody saw. */
const NEVER_RAN_STATUS = 255;

/**
 * Another process in a container. Its commands wait for nothing but each other: a start that hangs holds up
 * neither the container nor its other execs.
 */
export class Exec extends Process {
  readonly #parts: ExecParts;
  readonly #files: ExecPaths;
  readonly #deletion = new Steps([
    { name: "drain stdio of exec", run: () => this.drained() },
    { name: "release exec", run: () => this.release() },
  ]);

  constructor(parts: ExecParts) {
    super(parts);
    this.#parts = parts;
    this.#files = execPaths(parts.bundle, parts.execId);
  }

  /** Where it fails nothing of the process is left, and the exec counts as ended. */
  start(publish: () => void, signal: AbortSignal): Promise<void> {
    return this.command(async () => {
      this.check("start");
      this.order.hold(this);
      try {
        await this.#run(signal);
      } catch (err) {
        await this.#fail();
        throw err;
      }
      this.enter("start");
      publish();
      this.order.announced(this);
    });
  }

  async kill(signal: number): Promise<void> {
    this.check("kill");
    this.signal(signal);
  }

  delete(): Promise<Exit | undefined> {
    return this.command(async () => {
      this.check("delete");
      await this.#deletion.run();
      return this.exit;
    });
  }

  /** Lets go of all that it has, whatever its state. */
  async release(): Promise<void> {
    await this.letGo();
    fs.rmSync(this.#files.directory, { recursive: true, force: true });
  }

  async #run(called: AbortSignal): Promise<void> {
    called.throwIfAborted();
    const { id, bundle, execId, paths } = this;
    const { directory, spec } = this.#files;
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    const stdio = await openStdio(this.host, paths, { bundle, id, execId, ...this.#parts.io });
    this.attach(stdio);
    writeFileAtomically(spec, this.#parts.spec);
    const { signal, cleanup } = deadline(Infinity, `the start of ${execId}`, this.#parts.signal, called);
    await this.host.childExits.making(() => this.#make(stdio, signal)).finally(cleanup);
    fs.rmSync(spec, { force: true });
    await this.handOver();
  }

  async #make(stdio: ProcessStdio, signal: AbortSignal): Promise<void> {
    const { spec, pid: pidFile, log } = this.#files;
    try {
      // Each has a log of its own: with stderr being the process's, nothing else tells whose error it is.
      await this.#parts.runc.withLog(log).exec(this.id, {
        process: spec,
        pidFile,
        detach: true,
        stdio: stdio.childFds,
        signal,
        onSpawn: () => void hastenMove(),
        ...(stdio.consoleSocket !== undefined && { consoleSocket: stdio.consoleSocket }),
      });
      const pid = readPidFile(pidFile);
      if (pid === undefined) throw new StatusError(StatusCode.internal, `${pidFile}: runc exec left no pid`);
      this.adopt(pid);
    } catch (err) {
      this.#killLeftover();
      throw err;
    }
  }

  async #fail(): Promise<void> {
    this.#killLeftover();
    this.finish({ pid: 0, status: NEVER_RAN_STATUS, at: new Date() });
    this.order.forget(this);
    await this.closeStdio();
  }

  /** A runtime that failed late, or was killed, may have left the process: it is ours then, and nobody's else. */
  #killLeftover(): void {
    const pid = this.pid || leftoverPid(this.#files.pid);
    if (pid === 0 || readProcessStat(pid)?.parent !== process.pid) return;
    this.logger.warn("a failed exec left a process behind, which is killed", { leftover: pid });
    void this.host.childExits.watch(pid);
    process.kill(pid, "SIGKILL");
  }
}

/** The pid that the runtime wrote before it failed, 0 where it wrote none. */
function leftoverPid(file: string): number {
  try {
    return readPidFile(file) ?? 0;
  } catch {
    return 0;
  }
}

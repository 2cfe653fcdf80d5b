import { rm } from "node:fs/promises";
import path from "node:path";
import { StatusCode, StatusError } from "../src/base/status.ts";
import { type Bundle, createBundle, defaultSpec, parseStartAnswer, Shim } from "../src/client/index.ts";
import { identifyProcess } from "../src/client/process-state.ts";
import { describeEnding, runProgram } from "../src/client/program.ts";
import { type PreparedRootfs, prepareRootfs } from "../src/client/rootfs.ts";
import { type ShimCommand, shimArgs, shimEnv } from "../src/client/shim-command.ts";
import { ShimLog } from "../src/client/shim-log.ts";
import { waitUntilServedNoMore } from "../src/client/shim-process.ts";
import { connect } from "../src/ttrpc/index.ts";
import type { BenchLab } from "./lab.ts";
import type { Shim as MeasuredShim } from "./shims.ts";

/** No answer of a shim takes that long, in milliseconds; one that does ends the row. */
const CALL_MS = 60_000;
/** What the daemon gives a shim to go after Shutdown, and more: a busy machine is no error. */
const GONE_MS = 20_000;
const SIGKILL = 9;

/** Calls `start`; returns what that has printed. */
type Launch = (command: ShimCommand, lab: Pick<BenchLab, "signal" | "env">) => Promise<Buffer>;

/** What a container is to be. */
export interface Plan {
  /** Its program; one that does nothing for long, if not given. */
  readonly args?: readonly string[];
  /** Containers with one group share a shim. */
  readonly group?: string;
  /** Where its output goes, both of them; nowhere if not given. */
  readonly output?: Output;
}

/** Named pipes. */
export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** The parts of a container that are there before its shim is. */
interface Parts {
  readonly bundle: Bundle;
  readonly rootfs: PreparedRootfs;
  readonly log: ShimLog;
  readonly layer: string;
}

/**
 * A container whose steps are single calls, with all that is not the shim's done before the first of them. Where a step
 * fails, what is left of it goes with the lab.
 */
export class BenchContainer {
  readonly id: string;
  /** The pid of the shim, once {@link connect} is done. */
  shimPid = 0;
  readonly #lab: BenchLab;
  readonly #parts: Parts;
  readonly #command: ShimCommand;
  readonly #output: Output | undefined;
  #shim: Shim | undefined;

  private constructor(lab: BenchLab, parts: Parts, command: ShimCommand, output: Output | undefined) {
    this.id = command.id;
    this.#lab = lab;
    this.#parts = parts;
    this.#command = command;
    this.#output = output;
  }

  /** Makes bundle, layer and log. The root file system is an overlay, as a daemon has it. */
  static async prepare(lab: BenchLab, shim: MeasuredShim, plan: Plan = {}): Promise<BenchContainer> {
    const { namespace, address } = lab;
    const id = lab.newId();
    const annotations = plan.group === undefined ? {} : { "io.kubernetes.cri.sandbox-id": plan.group };
    const spec = defaultSpec({ namespace, id, args: plan.args ?? ["sleep", "100000"], annotations });
    const bundle = await createBundle({ root: path.join(lab.run, "bundles"), namespace, id, spec });
    const layer = path.join(lab.dir, "layers", id);
    const rootfs = await prepareRootfs({ kind: "overlay", lower: lab.rootfs }, layer);
    const log = await ShimLog.open(bundle.path, () => {});
    const ttrpcAddress = lab.events.address;
    const command = { binary: shim.binary, namespace, id, bundle: bundle.path, address, ttrpcAddress };
    return new BenchContainer(lab, { bundle, rootfs, log, layer }, command, plan.output);
  }

  /** The shim that serves it. */
  get shim(): Shim {
    if (this.#shim !== undefined) return this.#shim;
    throw new StatusError(StatusCode.failedPrecondition, `container ${this.id} has no shim`);
  }

  /** Calls `start` as the daemon does, or as `launch` has it, and connects to what it answers. */
  async start(launch: Launch = callStart): Promise<void> {
    const answer = parseStartAnswer(await launch(this.#command, this.#lab));
    const connection = await connect(answer.address, { signal: this.#lab.signal });
    this.#shim = new Shim(answer, connection, this.#parts.log);
  }

  /** The first call to a shim: who are you? */
  async connect(): Promise<void> {
    const { shimPid } = await this.shim.task.connect({ id: this.id }, this.#call());
    this.shimPid = shimPid;
  }

  async create(): Promise<void> {
    const { bundle, rootfs } = this.#parts;
    const request = { id: this.id, bundle: bundle.path, rootfs: [...rootfs.mounts], ...this.#output };
    await this.shim.task.create(request, this.#call());
  }

  /** Lets its program run, or one that {@link exec} has added. */
  async run(execId = ""): Promise<void> {
    await this.shim.task.start({ id: this.id, execId }, this.#call());
  }

  async exec(execId: string, args: readonly string[]): Promise<void> {
    const user = { uid: 0, gid: 0 };
    const spec = { args, cwd: "/", env: ["PATH=/bin"], user, terminal: false };
    const typeUrl = "types.containerd.io/opencontainers/runtime-spec/1/Process";
    const any = { typeUrl, value: Buffer.from(JSON.stringify(spec)) };
    await this.shim.task.exec({ id: this.id, execId, terminal: false, spec: any }, this.#call());
  }

  async state(): Promise<void> {
    await this.shim.task.state({ id: this.id }, this.#call());
  }

  async stats(): Promise<void> {
    await this.shim.task.stats({ id: this.id }, this.#call());
  }

  async wait(execId = ""): Promise<void> {
    await this.shim.task.wait({ id: this.id, execId }, this.#call());
  }

  async kill(): Promise<void> {
    await this.shim.task.kill({ id: this.id, signal: SIGKILL, all: true }, this.#call());
  }

  async delete(execId = ""): Promise<void> {
    await this.shim.task.delete({ id: this.id, execId }, this.#call());
  }

  /** Tells the shim to go, and waits until it has; one that serves others as well stays. */
  async shutdown(shared = false): Promise<void> {
    const shim = await identifyProcess(this.shimPid);
    await this.shim.task.shutdown({ id: this.id }, this.#call()).catch((error: unknown) => {
      // One that goes while it answers has done what it was told.
      if (StatusError.from(error).code !== StatusCode.unavailable) throw error;
    });
    if (shared || shim === undefined || (await waitUntilServedNoMore(shim, this.#command, GONE_MS))) return;
    throw new StatusError(StatusCode.deadlineExceeded, `shim ${shim.pid} lives on after Shutdown`);
  }

  /** Removes what {@link prepare} has made. */
  async remove(): Promise<void> {
    await this.#shim?.close();
    await this.#parts.bundle.remove();
    await rm(this.#parts.layer, { recursive: true, force: true });
  }

  #call(): { readonly timeoutMs: number; readonly signal: AbortSignal } {
    return { timeoutMs: CALL_MS, signal: this.#lab.signal };
  }
}

async function callStart(
  command: ShimCommand,
  { env, signal }: Pick<BenchLab, "signal" | "env">,
): Promise<Buffer> {
  const result = await runProgram({
    file: command.binary,
    args: shimArgs(command, "start"),
    cwd: command.bundle,
    env: { ...shimEnv(command), ...env },
    timeoutMs: CALL_MS,
    signal,
  });
  if (result.exitCode === 0) return result.output;
  const ending = describeEnding(result);
  throw new StatusError(StatusCode.unknown, `${command.binary} start failed, ${ending}`);
}

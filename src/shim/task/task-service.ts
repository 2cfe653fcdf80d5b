import { abortable } from "../../base/deadline.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { readCheckpointOptions } from "../../oci/checkpoint-options.ts";
import { checkId } from "../../oci/id.ts";
import { readProcessSpec } from "../../oci/process-spec.ts";
import { readResources } from "../../oci/resources.ts";
import type { containerd } from "../../proto/index.ts";
import type { CallContext } from "../../ttrpc/index.ts";
import type { TaskEvents } from "../events.ts";
import type { Container } from "./container.ts";
import { createContainer } from "./create-container.ts";
import { INIT } from "./exit-order.ts";
import type { Host } from "./host.ts";
import type { Exit, Process } from "./process.ts";
import { exitFields, processInfo, stateAnswer } from "./task-answers.ts";

type V2 = typeof containerd.task.v2;
type Request<Name extends keyof V2> = V2[Name] extends { decode(...args: never[]): infer Message }
  ? Message
  : never;

/**
 * The task API of one shim (containerd.task.v2.Task and v3.Task, whose messages are the same). Each call looks
 * its container or process up, calls it, publishes what happened and answers. Only commands of one container
 * (create, start, update, pause, resume, checkpoint, delete) and those of one exec (start, delete) wait for each
 * other; every other call answers at once, whatever is under way. Create and Start are given up where the caller's
 * deadline has passed or its connection has gone: it takes them for failed.
 */
export class TaskService {
  readonly #host: Host;
  readonly #events: TaskEvents;
  readonly #shutdown: () => void;
  readonly #containers = new Map<string, Container>();
  readonly #creating = new Map<string, Promise<Container>>();

  /** @param shutdown ends the shim; called when the daemon asks for it and no container is left */
  constructor(options: { readonly host: Host; readonly events: TaskEvents; readonly shutdown: () => void }) {
    this.#host = options.host;
    this.#events = options.events;
    this.#shutdown = options.shutdown;
  }

  /** Mounts the rootfs and makes the container; its init waits for Start. */
  async create(request: Request<"CreateTaskRequest">, { signal }: CallContext) {
    const { id } = request;
    checkId(id);
    if (this.#containers.has(id) || this.#creating.has(id)) {
      throw new StatusError(StatusCode.alreadyExists, `container ${id} exists already`);
    }
    const creation = this.#create(request, signal);
    this.#creating.set(id, creation);
    try {
      return { pid: (await creation).init.pid };
    } finally {
      this.#creating.delete(id);
    }
  }

  /** Adds a process to a container; it waits for Start. */
  async exec(request: Request<"ExecProcessRequest">) {
    const { id, execId, stdin, stdout, stderr, terminal } = request;
    const container = this.#container(request);
    const spec = readProcessSpec(request.spec, terminal, `the process ${execId} for container ${id}`);
    container.addExec(execId, { spec, paths: { stdin, stdout, stderr, terminal } });
    this.#events.execAdded({ containerId: id, execId });
    return {};
  }

  /** Runs the user's program in a created container, or an exec. */
  async start(request: Request<"StartRequest">, { signal }: CallContext) {
    const process = this.#process(request);
    await process.start(() => this.#publishStarted(process), signal);
    return { pid: process.pid };
  }

  /**
   * Removes a process that has ended or was never started; calls at the same time get one answer. Once begun it is
   * brought to its end, whoever waits for it. The daemon also asks when it has given up on its Create, and takes the
   * bundle away then: where a container is being made it waits for what comes of that.
   */
  async delete(request: Request<"DeleteRequest">) {
    const creation = this.#creating.get(request.id);
    // Only then: commands of one process are to be queued in the order in which they come.
    if (creation !== undefined) await creation.catch(() => {});
    const container = this.#container(request);
    const process = container.process(request.execId);
    const exit = { pid: process.pid, ...exitFields(await process.delete()) };
    if (process !== container.init) container.forget(process);
    else if (this.#containers.get(container.id) === container) {
      this.#containers.delete(container.id);
      this.#events.deleted({ containerId: container.id, ...exit });
    }
    return exit;
  }

  /** What a process is doing, from memory: answers while anything else is under way. */
  async state(request: Request<"StateRequest">) {
    const container = this.#container(request);
    return stateAnswer(container, container.process(request.execId));
  }

  /** Sends a signal. A process that has ended is `not found`. */
  async kill(request: Request<"KillRequest">) {
    await this.#process(request).kill(request.signal, request.all);
    return {};
  }

  /** Sets the size of a process's terminal. */
  async resizePty(request: Request<"ResizePtyRequest">) {
    this.#process(request).resize(request.width, request.height);
    return {};
  }

  /** Changes a container's limits. One that has ended is `not found`. */
  async update(request: Request<"UpdateTaskRequest">) {
    await this.#container(request).init.update(readResources(request.resources, request.id));
    return {};
  }

  /** Freezes every process of a container. */
  async pause(request: Request<"PauseRequest">) {
    const { init, id: containerId } = this.#container(request);
    await init.pause(() => this.#events.paused({ containerId }));
    return {};
  }

  /** Lets a frozen container go on. */
  async resume(request: Request<"ResumeRequest">) {
    const { init, id: containerId } = this.#container(request);
    await init.resume(() => this.#events.resumed({ containerId }));
    return {};
  }

  /** Writes a container's state to disk; unless the options let it end, it runs on. */
  async checkpoint(request: Request<"CheckpointTaskRequest">) {
    const { init, id: containerId } = this.#container(request);
    const options = readCheckpointOptions(request.path, request.options);
    await init.checkpoint(options, () => this.#events.checkpointed({ containerId }));
    return {};
  }

  /** Answers when the process has ended; at once when it has already. */
  async wait(request: Request<"WaitRequest">, { signal }: CallContext) {
    return exitFields(await abortable(this.#process(request).exited, signal));
  }

  /** Ends the process's input, once the daemon's own writers are gone as well. */
  async closeIO(request: Request<"CloseIORequest">) {
    const process = this.#process(request);
    if (request.stdin) process.closeStdin();
    return {};
  }

  /** Every process of the container. */
  async pids(request: Request<"PidsRequest">) {
    return { processes: this.#container(request).processes().map(processInfo) };
  }

  /** The figures of the container's control groups; after its end the last ones. */
  async stats(request: Request<"StatsRequest">) {
    return { stats: await this.#container(request).metrics() };
  }

  /** The shim's own pid, and the init's where the container exists: the daemon asks before Create too. */
  async connect(request: Request<"ConnectRequest">) {
    return { shimPid: process.pid, taskPid: this.#containers.get(request.id)?.init.pid ?? 0 };
  }

  /** Ends the shim, unless it still serves a container. Where one is being made it waits for what comes of that. */
  async shutdown(_request: Request<"ShutdownRequest">) {
    while (this.#containers.size === 0 && this.#creating.size > 0) {
      await Promise.allSettled(this.#creating.values());
    }
    if (!this.hasContainers) this.#shutdown();
    return {};
  }

  /** Whether there is a container, or one is being made. */
  get hasContainers(): boolean {
    return this.#containers.size > 0 || this.#creating.size > 0;
  }

  /** Those that are not deleted. */
  get containers(): Iterable<Container> {
    return this.#containers.values();
  }

  async #create(request: Request<"CreateTaskRequest">, signal: AbortSignal): Promise<Container> {
    const { id } = request;
    const container = await createContainer(this.#host, request, {
      onExit: (process, exit) => this.#publishExit(process, exit),
      onOom: () => this.#events.oom({ containerId: id }),
      signal,
    });
    this.#containers.set(id, container);
    this.#publishCreated(container, request);
    container.announced();
    return container;
  }

  #container({ id }: { id: string }): Container {
    const container = this.#containers.get(id);
    if (container === undefined) throw new StatusError(StatusCode.notFound, `container ${id} does not exist`);
    return container;
  }

  #process(request: { id: string; execId: string }): Process {
    return this.#container(request).process(request.execId);
  }

  #publishCreated({ id, init }: Container, request: Request<"CreateTaskRequest">): void {
    const { bundle, rootfs, checkpoint, stdin, stdout, stderr, terminal } = request;
    const io = { stdin, stdout, stderr, terminal };
    this.#events.created({ containerId: id, bundle, rootfs, io, checkpoint, pid: init.pid });
  }

  #publishStarted({ id: containerId, execId, pid }: Process): void {
    if (execId === INIT) this.#events.started({ containerId, pid });
    else this.#events.execStarted({ containerId, execId, pid });
  }

  #publishExit({ id: containerId, name }: Process, exit: Exit): void {
    this.#events.exited({ containerId, id: name, pid: exit.pid, ...exitFields(exit) });
  }
}

import { abortable } from "../base/deadline.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { readResources } from "../oci/resources.ts";
import { checkId } from "../oci/runc-args.ts";
import type { containerd } from "../proto/index.ts";
import type { CallContext } from "../ttrpc/index.ts";
import type { Container, Exit, Host } from "./container.ts";
import { createContainer } from "./create-container.ts";
import { type TaskEvents, timestamp } from "./events.ts";
import { TaskState } from "./lifecycle.ts";

type V2 = typeof containerd.task.v2;
type Request<Name extends keyof V2> = V2[Name] extends { decode(...args: never[]): infer Message }
  ? Message
  : never;

/**
 * The task API of one shim (containerd.task.v2.Task and v3.Task, whose messages are the same). Each call looks
 * its container up, calls it, publishes what happened and answers. Only commands of one container (create,
 * start, update, pause, resume, delete) wait for each other; every other call answers at once, whatever is
 * under way.
 */
export class TaskService {
  readonly #host: Host;
  readonly #events: TaskEvents;
  readonly #shutdown: () => void;
  readonly #containers = new Map<string, Container>();
  readonly #creating = new Set<string>();

  /** @param shutdown ends the shim; called when the daemon asks for it and no container is left */
  constructor(options: { readonly host: Host; readonly events: TaskEvents; readonly shutdown: () => void }) {
    this.#host = options.host;
    this.#events = options.events;
    this.#shutdown = options.shutdown;
  }

  /** Mounts the rootfs and makes the container; its init waits for Start. */
  async create(request: Request<"CreateTaskRequest">) {
    const { id } = request;
    checkId(id);
    if (this.#containers.has(id) || this.#creating.has(id)) {
      throw new StatusError(StatusCode.alreadyExists, `container ${id} exists already`);
    }
    this.#creating.add(id);
    try {
      const container = await createContainer(this.#host, request, (exit) => this.#publishExit(id, exit));
      this.#containers.set(id, container);
      this.#publishCreated(container, request);
      container.announced();
      return { pid: container.pid };
    } finally {
      this.#creating.delete(id);
    }
  }

  /** Runs the user's program in a created container. */
  async start(request: Request<"StartRequest">) {
    const container = this.#find(request);
    const { id: containerId, pid } = container;
    await container.start(() => this.#events.started({ containerId, pid }));
    return { pid };
  }

  /** Removes a container that has ended or was never started; calls at the same time get one answer. */
  async delete(request: Request<"DeleteRequest">) {
    const container = this.#find(request);
    const { pid, status, at } = await container.delete();
    const exit = { pid, exitStatus: status, exitedAt: timestamp(at) };
    if (this.#containers.get(container.id) === container) {
      this.#containers.delete(container.id);
      this.#events.deleted({ containerId: container.id, ...exit });
    }
    return exit;
  }

  /** What a container is doing, from memory: answers while anything else is under way. */
  async state(request: Request<"StateRequest">) {
    const container = this.#find(request);
    const { stdin, stdout, stderr, terminal } = container.stdio.paths;
    return {
      id: container.id,
      bundle: container.bundle,
      pid: container.pid,
      status: TaskState[container.state],
      stdin,
      stdout,
      stderr,
      terminal,
      ...exitFields(container.exit),
    };
  }

  /** Sends a signal. A process that has ended is `not found`. */
  async kill(request: Request<"KillRequest">) {
    await this.#find(request).kill(request.signal, request.all);
    return {};
  }

  /** Changes a container's limits. One that has ended is `not found`. */
  async update(request: Request<"UpdateTaskRequest">) {
    await this.#find(request).update(readResources(request.resources, request.id));
    return {};
  }

  /** Freezes every process of a container. */
  async pause(request: Request<"PauseRequest">) {
    const container = this.#find(request);
    await container.pause(() => this.#events.paused({ containerId: container.id }));
    return {};
  }

  /** Lets a frozen container go on. */
  async resume(request: Request<"ResumeRequest">) {
    const container = this.#find(request);
    await container.resume(() => this.#events.resumed({ containerId: container.id }));
    return {};
  }

  /** Answers when the process has ended; at once when it has already. */
  async wait(request: Request<"WaitRequest">, { signal }: CallContext) {
    return exitFields(await abortable(this.#find(request).exited, signal));
  }

  /** Ends the process's input, once the daemon's own writers are gone as well. */
  async closeIO(request: Request<"CloseIORequest">) {
    const container = this.#find(request);
    if (request.stdin) container.stdio.closeStdin();
    return {};
  }

  /** Every process of the container. */
  async pids(request: Request<"PidsRequest">) {
    return {
      processes: this.#find(request)
        .pids()
        .map((pid) => ({ pid })),
    };
  }

  /** The shim's own pid, and the init's where the container exists: the daemon asks before Create too. */
  async connect(request: Request<"ConnectRequest">) {
    return { shimPid: process.pid, taskPid: this.#containers.get(request.id)?.pid ?? 0 };
  }

  /** Ends the shim, unless it still serves a container. */
  async shutdown(_request: Request<"ShutdownRequest">) {
    if (this.#containers.size === 0 && this.#creating.size === 0) this.#shutdown();
    return {};
  }

  #find({ id, execId = "" }: { id: string; execId?: string }): Container {
    const container = this.#containers.get(id);
    if (container === undefined) throw new StatusError(StatusCode.notFound, `container ${id} does not exist`);
    if (execId !== "") {
      throw new StatusError(StatusCode.notFound, `container ${id} has no process ${execId}`);
    }
    return container;
  }

  #publishCreated(container: Container, request: Request<"CreateTaskRequest">): void {
    const { bundle, rootfs, checkpoint, stdin, stdout, stderr, terminal } = request;
    const io = { stdin, stdout, stderr, terminal };
    this.#events.created({ containerId: container.id, bundle, rootfs, io, checkpoint, pid: container.pid });
  }

  #publishExit(id: string, { pid, status, at }: Exit): void {
    this.#events.exited({ containerId: id, id, pid, exitStatus: status, exitedAt: timestamp(at) });
  }
}

function exitFields(exit: Exit | undefined) {
  return exit === undefined ? {} : { exitStatus: exit.status, exitedAt: timestamp(exit.at) };
}

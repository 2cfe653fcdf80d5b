import path from "node:path";
import { fileURLToPath } from "node:url";
import { GrpcConnection } from "./grpc.ts";
import { ServiceClient } from "./service-client.ts";

const PROTOS = ["containers", "snapshots", "tasks"].map((name) =>
  fileURLToPath(new URL(path.join("containerd", `${name}.proto`), import.meta.url)),
);
const SNAPSHOTTER = "overlayfs";
const SPEC_TYPE = "types.containerd.io/opencontainers/runtime-spec/1";

/** A container to be. */
export interface ContainerRecord {
  readonly id: string;
  /** Such as `io.containerd.runc.v2`. */
  readonly runtime: string;
  /** Its config.json. */
  readonly spec: object;
}

/** How a root file system is mounted. */
export interface Mount {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** One line of the list of tasks; the state in containerd's words (`RUNNING`). */
export interface Task {
  readonly id: string;
  readonly status: string;
}

/** Drives a containerd by its own API, as `ctr` does, without the start of a program for each step. */
export class ContainerdClient {
  readonly #connection: GrpcConnection;
  readonly #services: ServiceClient;

  constructor(address: string, namespace: string) {
    this.#connection = new GrpcConnection(address, { "containerd-namespace": namespace });
    this.#services = new ServiceClient(this.#connection, PROTOS);
  }

  /** Takes note of a container, and makes a layer of its own above `parent`; returns how it is mounted. */
  async createContainer(record: ContainerRecord, parent: string): Promise<readonly Mount[]> {
    const { id, runtime, spec } = record;
    const container = { id, runtime: { name: runtime }, spec: json("Spec", spec) };
    // The container first: a layer that nobody has is garbage.
    await this.#services.call("Containers", "Create", {
      container: { ...container, snapshotter: SNAPSHOTTER, snapshotKey: id },
    });
    const layer = { snapshotter: SNAPSHOTTER, key: id, parent };
    const { mounts } = await this.#services.call("Snapshots", "Prepare", layer);
    return mounts as readonly Mount[];
  }

  /** Forgets a container without a task, and removes its layer. */
  async deleteContainer(id: string): Promise<void> {
    await this.#services.call("Snapshots", "Remove", { snapshotter: SNAPSHOTTER, key: id });
    await this.#services.call("Containers", "Delete", { id });
  }

  /** Has the shim make the container; its output goes nowhere. */
  async create(containerId: string, rootfs: readonly Mount[]): Promise<void> {
    await this.#tasks("Create", { containerId, rootfs });
  }

  /** Starts a container, or a process that {@link exec} has added. */
  async start(containerId: string, execId = ""): Promise<void> {
    await this.#tasks("Start", { containerId, execId });
  }

  /** Waits until a process has ended; returns its exit status. */
  async wait(containerId: string, execId = ""): Promise<number> {
    const { exitStatus } = await this.#tasks("Wait", { containerId, execId });
    return Number(exitStatus);
  }

  async kill(containerId: string, signal: number): Promise<void> {
    await this.#tasks("Kill", { containerId, signal });
  }

  /** Adds a process, `spec` being what config.json has as its `process`. */
  async exec(containerId: string, execId: string, spec: object): Promise<void> {
    await this.#tasks("Exec", { containerId, execId, spec: json("Process", spec) });
  }

  /** Deletes a container's task, or a process that was added; either has to have ended. */
  async delete(containerId: string, execId = ""): Promise<void> {
    if (execId === "") await this.#tasks("Delete", { containerId });
    else await this.#tasks("DeleteProcess", { containerId, execId });
  }

  async listTasks(): Promise<readonly Task[]> {
    const { tasks = [] } = await this.#tasks("List", {});
    return tasks as readonly Task[];
  }

  close(): void {
    this.#connection.close();
  }

  #tasks(method: string, request: object): Promise<Record<string, unknown>> {
    return this.#services.call("Tasks", method, request);
  }
}

/** A part of an OCI runtime spec, as containerd takes it. */
function json(type: "Spec" | "Process", value: object): object {
  return { type_url: `${SPEC_TYPE}/${type}`, value: Buffer.from(JSON.stringify(value)) };
}

import path from "node:path";
import { fileURLToPath } from "node:url";
import { GrpcConnection } from "./grpc.ts";
import { BUSYBOX_IMAGE } from "./image.ts";
import { ServiceClient } from "./service-client.ts";

const PROTO = path.join(path.dirname(fileURLToPath(import.meta.url)), "cri.proto");
const HOST_NETWORK = { namespaceOptions: { network: "NODE" } };

/** A pod that runs. */
export interface Pod {
  readonly id: string;
  readonly config: object;
}

/** One line of a list: what it is, and its state in the interface's own words (`CONTAINER_RUNNING`). */
export interface Listed {
  readonly id: string;
  readonly state: string;
}

/** A container's limits, as far as they are to change. */
export interface Limits {
  readonly cpuShares?: number;
  readonly memoryLimitInBytes?: number;
}

/** What became of a program that was run in a container. */
export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** What a container has used so far. */
export interface Usage {
  readonly cpuNanoseconds: number;
  readonly memoryBytes: number;
}

/** Drives a containerd as the kubelet does. Every call has a limit, and rejects with containerd's words. */
export class Cri {
  readonly #connection: GrpcConnection;
  readonly #services: ServiceClient;

  constructor(address: string) {
    this.#connection = new GrpcConnection(address);
    this.#services = new ServiceClient(this.#connection, [PROTO]);
  }

  /** Whether an image can be used: containerd takes note of what was imported a little later. */
  async hasImage(image: string): Promise<boolean> {
    const answer = await this.#services.call("ImageService", "ImageStatus", { image: { image } });
    return answer.image !== null;
  }

  /** Runs an empty pod on the host's network, with its cgroups below `cgroupParent`. */
  async runPod(name: string, runtimeHandler: string, cgroupParent: string): Promise<Pod> {
    const metadata = { name, uid: name, namespace: "default" };
    const config = { metadata, linux: { cgroupParent, securityContext: HOST_NETWORK } };
    const { podSandboxId } = await this.#runtime("RunPodSandbox", { config, runtimeHandler });
    return { id: String(podSandboxId), config };
  }

  /** Runs a busybox container in a pod; returns its id. */
  async runContainer(pod: Pod, name: string, command: readonly string[]): Promise<string> {
    const config = {
      metadata: { name },
      image: { image: BUSYBOX_IMAGE },
      command,
      linux: { resources: {}, securityContext: HOST_NETWORK },
    };
    const request = { podSandboxId: pod.id, config, sandboxConfig: pod.config };
    const { containerId } = await this.#runtime("CreateContainer", request);
    await this.#runtime("StartContainer", { containerId });
    return String(containerId);
  }

  /** Kills everything in a pod; answered when containerd has all of it as exited. */
  async stopPod(podSandboxId: string): Promise<void> {
    await this.#runtime("StopPodSandbox", { podSandboxId });
  }

  /** Removes a pod, which has to be stopped, and its containers. */
  async removePod(podSandboxId: string): Promise<void> {
    await this.#runtime("RemovePodSandbox", { podSandboxId });
  }

  /** Changes a container's share of processor time. */
  updateCpuShares(containerId: string, cpuShares: number): Promise<void> {
    return this.update(containerId, { cpuShares });
  }

  /** Changes a container's limits. */
  async update(containerId: string, linux: Limits): Promise<void> {
    await this.#runtime("UpdateContainerResources", { containerId, linux });
  }

  /** Runs a program in a container to its end, as a probe does; one that takes longer than the timeout is killed. */
  async exec(containerId: string, cmd: readonly string[], timeout = 0): Promise<ExecResult> {
    const { stdout, stderr, exitCode } = await this.#runtime("ExecSync", { containerId, cmd, timeout });
    return { stdout: String(stdout), stderr: String(stderr), exitCode: Number(exitCode) };
  }

  /** What a container has used so far. */
  async usage(containerId: string): Promise<Usage> {
    const { stats } = await this.#runtime("ContainerStats", { containerId });
    const { cpu, memory } = stats as Record<string, Record<string, { value: unknown }>>;
    return {
      cpuNanoseconds: Number(cpu?.usageCoreNanoSeconds?.value),
      memoryBytes: Number(memory?.workingSetBytes?.value),
    };
  }

  async listContainers(): Promise<readonly Listed[]> {
    const { containers = [] } = await this.#runtime("ListContainers", {});
    return containers as readonly Listed[];
  }

  async listPods(): Promise<readonly Listed[]> {
    const { items = [] } = await this.#runtime("ListPodSandbox", {});
    return items as readonly Listed[];
  }

  close(): void {
    this.#connection.close();
  }

  #runtime(method: string, request: object): Promise<Record<string, unknown>> {
    return this.#services.call("RuntimeService", method, request);
  }
}

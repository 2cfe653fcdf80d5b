import type { ebb } from "../../proto/own.ts";
import { decodeEnvelope, encodeEvent, type TaskEvent } from "../task-event.ts";
import { type ContainerConfig, parseContainerConfig } from "./container-config.ts";
import { type ContainerStatus, type Ending, newStatus, type Phase } from "./status.ts";
import type { ContainerView, StdioPaths } from "./supervisor.ts";

type Wire = typeof ebb.client.v1;

/** The bytes of a configuration: the same JSON that its record has. */
export function configToWire(config: ContainerConfig): Uint8Array {
  return Buffer.from(JSON.stringify(config));
}

/** The configuration that bytes are; `invalidArgument` for what is none. */
export function configFromWire(bytes: Uint8Array): ContainerConfig {
  return parseContainerConfig(Buffer.from(bytes).toString("utf8"), "the container's configuration");
}

/** A view as it goes over the wire, but for the further processes of the container: each is its caller's. */
export function viewToWire({ config, status }: ContainerView): ebb.client.v1.IContainer {
  const { phase, pid, ending, outOfMemory, confirmed, problem } = status;
  const known = ending === undefined ? {} : { ending: endingToWire(ending) };
  const more = { phase, pid, outOfMemory, confirmed, problem: problem ?? "" };
  return { config: configToWire(config), status: { ...more, ...known } };
}

/** The view that came over the wire. */
export function viewFromWire(container: ebb.client.v1.IContainer): ContainerView {
  const config = configFromWire(container.config ?? new Uint8Array());
  return { config, status: statusFromWire(config.id, container.status ?? {}) };
}

/** All views that come over the wire. */
export async function viewsFromWire(
  containers: AsyncIterable<ebb.client.v1.IContainer>,
): Promise<ContainerView[]> {
  const views: ContainerView[] = [];
  for await (const container of containers) views.push(viewFromWire(container));
  return views;
}

function statusFromWire(id: string, status: ebb.client.v1.IStatus): ContainerStatus {
  const { ending, problem } = status;
  return newStatus(id, {
    phase: (status.phase ?? "creating") as Phase,
    pid: status.pid ?? 0,
    ending: ending === null || ending === undefined ? undefined : endingFromWire(ending),
    outOfMemory: status.outOfMemory ?? false,
    confirmed: status.confirmed ?? false,
    problem: problem === "" || problem === null ? undefined : problem,
  });
}

/** How a process has ended, as it goes over the wire. */
export function endingToWire({ exitStatus, exitedAt }: Ending): ebb.client.v1.IEnding {
  return { exitStatus, exitedAtMs: exitedAt?.getTime() ?? 0 };
}

/** How a process has ended, from the wire. */
export function endingFromWire({ exitStatus, exitedAtMs }: ebb.client.v1.IEnding): Ending {
  return { exitStatus: exitStatus ?? 0, exitedAt: exitedAtMs ? new Date(Number(exitedAtMs)) : undefined };
}

/** Paths of streams from the wire, where an empty one stands for none. */
export function stdioFromWire(stdio: ebb.client.v1.IStdio | null | undefined): StdioPaths {
  const given = Object.entries(stdio ?? {}).filter(([, file]) => file !== "");
  return Object.fromEntries(given);
}

/** An event as it goes over the wire. */
export function eventToWire(event: TaskEvent): ebb.client.v1.IEvent {
  const { typeUrl, value } = encodeEvent(event);
  const { topic, namespace, timestamp } = event;
  return {
    topic,
    namespace,
    timestampMs: timestamp?.getTime() ?? 0,
    typeUrl: typeUrl ?? "",
    value: value ?? new Uint8Array(),
  };
}

/** The event that came over the wire. */
export function eventFromWire(event: InstanceType<Wire["Event"]>): TaskEvent {
  const { topic, namespace, timestampMs, typeUrl, value } = event;
  const timestamp = { seconds: Math.floor(timestampMs / 1000), nanos: (timestampMs % 1000) * 1e6 };
  return decodeEnvelope({ topic, namespace, timestamp, event: { typeUrl, value } });
}

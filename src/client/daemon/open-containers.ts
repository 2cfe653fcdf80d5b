import { mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import PQueue from "p-queue";
import { StatusCode, StatusError } from "../../base/status.ts";
import { readRunDirectory } from "../../config/run-directory.ts";
import { fsError } from "../../linux/errno.ts";
import { EventReceiver } from "../event-receiver.ts";
import { checkIdentifier } from "../identifier.ts";
import type { TaskEvent } from "../task-event.ts";
import { isMarked, markBundle } from "./bundle-mark.ts";
import { brokenConfig } from "./container-config.ts";
import { ContainerLayers } from "./container-layers.ts";
import { ContainerRecords, type RecordList } from "./container-records.ts";
import { statusOf } from "./container-state.ts";
import { ExitHandler } from "./exit-handler.ts";
import { LayerRemover } from "./layer-remover.ts";
import { ManagedContainer } from "./managed-container.ts";
import { type ContainerStatus, newStatus } from "./status.ts";
import { StatusStore } from "./status-store.ts";
import type { SupervisorContext } from "./supervisor-context.ts";
import { DEFAULT_LIMITS } from "./supervisor-limits.ts";
import type { SupervisorOptions } from "./supervisor-options.ts";

/** How much goes on at once on the disk: a runtime may have two threads for files, and a disk that hangs leaves one. */
const DISK_THREADS = 1;

/** What a supervisor has as soon as it is open. */
export interface OpenContainers {
  readonly context: SupervisorContext;
  readonly events: EventReceiver;
  /** By id, in the order in which they were made. */
  readonly containers: Map<string, ManagedContainer>;
  /** Those of them whose making was cut short, or that lack a record: what there is of them is to be removed. */
  readonly unfinished: readonly ManagedContainer[];
}

/**
 * Reads the records of containers and listens for events of their shims; asks no shim anything. `invalidArgument` for a
 * namespace that is none.
 */
export async function openContainers(
  options: SupervisorOptions,
  closing: AbortSignal,
): Promise<OpenContainers> {
  const namespace = checkIdentifier("namespace", options.namespace);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const runDirectory = options.runDirectory ?? (await readRunDirectory(process.env));
  const stateDir = path.resolve(options.stateDir);
  await makeDirectory(stateDir);
  const records = new ContainerRecords(stateDir);
  await records.prepare();
  const store = new StatusStore();
  const exits = new ExitHandler(store, limits);
  const disk = new PQueue({ concurrency: DISK_THREADS });
  const layers = new LayerRemover({ runDirectory, limits, disk });
  const places = new ContainerLayers(path.resolve(options.imagesDir));
  const containers = new Map<string, ManagedContainer>();
  const list = await records.list();
  await checkNamespace(stateDir, namespace, list);
  const dir = path.join(stateDir, "events");
  const eventsAddress = EventReceiver.addressIn(dir);
  const onLog = options.onLog ?? (() => {});
  const context: SupervisorContext = {
    ...{
      stateDir,
      namespace,
      limits,
      eventsAddress,
      records,
      places,
      store,
      exits,
      layers,
      disk,
      onLog,
      closing,
    },
  };
  // Of what is not known when an event comes, nothing is learnt by it.
  const unfinished = await takeIn(context, list, containers);
  unfinished.push(...(await takeInOrphans(context, containers)));
  const events = await EventReceiver.listen(dir, {
    takeOver: true,
    onEvent: (event) => take(context, containers, event),
  });
  for (const id of list.empty) {
    const left = await records.discard(id);
    if (left !== undefined) layers.add(left);
  }
  layers.resume(() => places.orphans(records.all));
  return { context, events, containers, unfinished };
}

async function takeIn(
  context: SupervisorContext,
  { records, broken }: RecordList,
  containers: Map<string, ManagedContainer>,
): Promise<ManagedContainer[]> {
  const unfinished: ManagedContainer[] = [];
  for (const { config, state } of records) {
    const { id } = config;
    const container = new ManagedContainer(context, config);
    const cutShort = newStatus(id, { phase: "stopped", problem: "its making was cut short" });
    containers.set(id, container);
    context.store.add(id, state === undefined ? cutShort : statusOf(id, state));
    if (state === undefined) unfinished.push(container);
    // Its making may have been cut short before that, or be an earlier version's. After its end it may be another's.
    if (state?.phase !== "stopped") await markBundle(container.bundle);
  }
  for (const { id, problem } of broken) {
    const status: Partial<ContainerStatus> = { phase: "stopped", confirmed: false, problem };
    containers.set(id, new ManagedContainer(context, brokenConfig(id), true));
    context.store.add(id, status);
  }
  return unfinished;
}

/** Of containers of another namespace a supervisor would find no bundle, and take them for ended. */
async function checkNamespace(stateDir: string, namespace: string, { records }: RecordList): Promise<void> {
  const bundles = path.join(stateDir, "bundles");
  for (const other of await namesIn(bundles)) {
    const ids = other === namespace ? [] : await markedIn(path.join(bundles, other));
    const found = records.find(({ config }) => ids.includes(config.id));
    if (found === undefined) continue;
    const message = `container ${found.config.id} of ${stateDir} is of namespace ${other}, not ${namespace}`;
    throw new StatusError(StatusCode.failedPrecondition, message);
  }
}

/** The names of the bundles of supervisors' containers in a directory; one on its way out begins with a dot. */
async function markedIn(dir: string): Promise<string[]> {
  const names = (await namesIn(dir)).filter((name) => !name.startsWith("."));
  const marked = await Promise.all(names.map((name) => isMarked(path.join(dir, name))));
  return names.filter((_, at) => marked[at]);
}

function namesIn(dir: string): Promise<string[]> {
  return readdir(dir).catch(() => []);
}

/** Bundles without a record: somebody has removed what they are made of. */
async function takeInOrphans(
  context: SupervisorContext,
  containers: Map<string, ManagedContainer>,
): Promise<ManagedContainer[]> {
  const ids = await markedIn(path.join(context.stateDir, "bundles", context.namespace));
  return ids
    .filter((id) => !containers.has(id))
    .map((id) => {
      const container = new ManagedContainer(context, brokenConfig(id));
      containers.set(id, container);
      context.store.add(id, { phase: "stopped", confirmed: false, problem: "there is no record of it" });
      return container;
    });
}

function take(
  { exits, store }: SupervisorContext,
  containers: ReadonlyMap<string, ManagedContainer>,
  event: TaskEvent,
): void {
  const before = event.type === "unknown" ? undefined : store.get(event.event.containerId);
  exits.handle(event);
  if (before === undefined || event.type === "unknown") return;
  const container = containers.get(before.id);
  if (event.type === "containerd.events.TaskExit" && event.event.id !== before.id) {
    const { id: execId, pid } = event.event;
    // Whoever has started it may be gone; the shim keeps it until it is deleted.
    container?.execs.watch(execId).deleted.then(
      () => store.forgetExec(before.id, execId, pid),
      () => {},
    );
  }
}

async function makeDirectory(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 }).catch((thrown: unknown) => {
    throw fsError(`make ${dir}`, thrown);
  });
}

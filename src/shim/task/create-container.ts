import path from "node:path";
import { hasCode, StatusCode, StatusError } from "../../base/status.ts";
import { hastenMove } from "../../linux/cgroup/hasten.ts";
import { readAnnotations } from "../../oci/annotations.ts";
import { checkBundle, writeOptions, writeRuntime } from "../../oci/bundle.ts";
import { bundlePaths } from "../../oci/bundle-paths.ts";
import { cgroupsPathOf } from "../../oci/config.ts";
import { decodeRuncOptions } from "../../oci/decode-options.ts";
import type { WaitingInit } from "../../oci/exec-fifo.ts";
import { removeExitRecord } from "../../oci/exit-record.ts";
import type { RuncOptions } from "../../oci/options.ts";
import { readInitPid } from "../../oci/pid-file.ts";
import { Runc } from "../../oci/runc.ts";
import { RUNC_ROOT } from "../../oci/runc-root.ts";
import type { containerd } from "../../proto/index.ts";
import { releaseModeOf } from "../release-mode.ts";
import { ContainerRootfs } from "../rootfs.ts";
import { openStdio } from "../stdio/open-stdio.ts";
import { Undo } from "../undo.ts";
import { checkImage, type MadeSoFar, restore } from "./checkpoint.ts";
import { Container, type ContainerParts } from "./container.ts";
import { INIT } from "./exit-order.ts";
import type { Host } from "./host.ts";

/** How long who is still in the control groups of a container that was not made may take to end. */
const LEFT_GROUPS_MS = 1_000;

/** Who is told what happens to the container. */
type Tell = Pick<ContainerParts, "onExit" | "onOom">;

/** A Create request on its way. */
interface Making {
  readonly host: Host;
  readonly request: containerd.task.v2.CreateTaskRequest;
  readonly undo: Undo;
}

/**
 * Makes a container for a Create request: mounts the rootfs, opens the stdio, calls `runc create`; one from a
 * checkpoint comes to be at its start. When a part of it fails, what was made before is taken back, so that
 * nothing is left half made.
 */
export async function createContainer(
  host: Host,
  request: containerd.task.v2.CreateTaskRequest,
  tell: Tell,
): Promise<Container> {
  const undo = new Undo(host.logger);
  try {
    return await build({ host, request, undo }, tell);
  } catch (err) {
    await undo.all(request.id);
    throw err;
  }
}

async function build(making: Making, tell: Tell): Promise<Container> {
  const { host, request, undo } = making;
  const { id, checkpoint, stdin, stdout, stderr, terminal } = request;
  const bundle = checkBundle(request.bundle);
  if (checkpoint !== "") checkImage(checkpoint);
  const options = await decodeRuncOptions(request.options);
  removeExitRecord(bundle);
  writeOptions(bundle, options);
  writeRuntime(bundle, options.binaryName);
  const rootfs = await mount(making, bundle);
  const io = { uid: options.ioUid, gid: options.ioGid };
  const stdio = await openStdio(
    host,
    { stdin, stdout, stderr, terminal },
    { bundle, id, execId: INIT, ...io },
  );
  undo.add("its stdio", () => stdio.close());
  const runc = runcFor(host, bundle, options);
  const made = { id, bundle, options, runc, stdio };
  const parts = { id, bundle, io, rootfs, runc, stdio, ...tell };
  if (checkpoint !== "") {
    return new Container(host, { ...parts, pid: undefined, begin: () => restore(made, checkpoint) });
  }
  return host.childExits.making(async () => {
    const pid = await create(made, undo);
    const begin = async (waiting: WaitingInit | undefined) => {
      await runc.start(id, host.settings.start === "direct" && waiting !== undefined ? { waiting } : {});
      return undefined;
    };
    return new Container(host, { ...parts, pid, begin });
  });
}

/** Calls `runc create`; the pid of the init, which waits for its start. */
async function create({ id, bundle, options, runc, stdio }: MadeSoFar, undo: Undo): Promise<number> {
  let ours = true;
  undo.add("the state of runc", async () => {
    if (!ours) return;
    const wasAborted = runc.isAborted(id);
    await runc.delete(id, { force: true }).catch(() => {});
    if (!wasAborted) return;
    const { removeLeftGroups } = await import("../../linux/cgroup/left-groups.ts");
    await removeLeftGroups(cgroupsPathOf(bundle), LEFT_GROUPS_MS);
  });
  const pidFile = bundlePaths(bundle).initPid;
  try {
    await runc.create(id, {
      bundle,
      pidFile,
      noPivot: options.noPivotRoot,
      noNewKeyring: options.noNewKeyring,
      onSpawn: () => void hastenMove(),
      stdio: stdio.childFds,
      ...(stdio.consoleSocket !== undefined && { consoleSocket: stdio.consoleSocket }),
    });
  } catch (err) {
    // The container of this id that runc has already is somebody else's, and not for us to kill.
    ours = !hasCode(err, StatusCode.alreadyExists);
    throw err;
  }
  await stdio.handedOver();
  const pid = readInitPid(bundle);
  if (pid === undefined) throw new StatusError(StatusCode.internal, `${pidFile}: runc create left no pid`);
  return pid;
}

/** Mounts what the daemon gave as rootfs; without mounts the bundle's config.json says where the rootfs is. */
async function mount({ host, request, undo }: Making, bundle: string): Promise<ContainerRootfs | undefined> {
  const { id, rootfs: mounts } = request;
  if (mounts.length === 0) return undefined;
  const mode = releaseModeOf(readAnnotations(bundle), host.settings);
  const rootfs = new ContainerRootfs(host, { namespace: host.namespace, id, bundle, mode });
  await rootfs.mount(
    mounts.map(({ type, source, target, options }) => ({
      type: type ?? "",
      source: source ?? "",
      target: target ?? "",
      options: options ?? [],
    })),
  );
  undo.add("the mounted rootfs", async () => {
    await rootfs.detach();
    await rootfs.settled();
  });
  return rootfs;
}

/**
 * The OCI runtime as the options of the container say: which binary, which root, which cgroup driver. It logs in the
 * bundle, where there is one.
 */
export function runcFor(
  host: Pick<Host, "logger" | "namespace">,
  bundle: string | undefined,
  options: RuncOptions,
): Runc {
  return new Runc({
    binary: options.binaryName || "runc",
    root: path.join(options.root || RUNC_ROOT, host.namespace),
    ...(bundle !== undefined && { log: bundlePaths(bundle).log }),
    systemdCgroup: options.systemdCgroup,
    logger: host.logger,
  });
}

import path from "node:path";
import { StatusCode, StatusError } from "../../base/status.ts";
import { hastenMove } from "../../linux/cgroup/hasten.ts";
import { readAnnotations } from "../../oci/annotations.ts";
import { checkBundle, writeOptions, writeRuntime } from "../../oci/bundle.ts";
import { bundlePaths } from "../../oci/bundle-paths.ts";
import { decodeRuncOptions } from "../../oci/decode-options.ts";
import type { RuncOptions } from "../../oci/options.ts";
import { readInitPid } from "../../oci/pid-file.ts";
import { Runc } from "../../oci/runc.ts";
import { RUNC_ROOT } from "../../oci/runc-root.ts";
import type { containerd } from "../../proto/index.ts";
import { forgetEnd } from "../end-of-container.ts";
import { releaseModeOf } from "../release-mode.ts";
import { ContainerRootfs } from "../rootfs.ts";
import { openStdio } from "../stdio/open-stdio.ts";
import { Undo } from "../undo.ts";
import { checkImage, type MadeSoFar, restore } from "./checkpoint.ts";
import { Container, type ContainerParts } from "./container.ts";
import { INIT } from "./exit-order.ts";
import type { Host } from "./host.ts";
import type { Beginning } from "./init.ts";
import { takingBack } from "./take-back.ts";

/** Who is told what happens to the container. */
type Tell = Pick<ContainerParts, "onExit" | "onOom">;

/** A Create request on its way. */
interface Making {
  readonly host: Host;
  readonly request: containerd.task.v2.CreateTaskRequest;
  readonly undo: Undo;
  /** Aborts when nobody waits for the answer any longer. */
  readonly signal: AbortSignal;
}

/**
 * Makes a container for a Create request: mounts the rootfs, opens the stdio, calls `runc create`; one from a
 * checkpoint comes to be at its start. When a part of it fails, what was made before is taken back, so that
 * nothing is left half made; so it is when the signal aborts before the runtime has made the container. Later than that
 * there is one, and who has called has to delete it.
 */
export async function createContainer(
  host: Host,
  request: containerd.task.v2.CreateTaskRequest,
  { signal, ...tell }: Tell & Pick<Making, "signal">,
): Promise<Container> {
  const { id } = request;
  const undo = new Undo(host.logger);
  try {
    return await build({ host, request, undo, signal }, tell);
  } catch (err) {
    // The error itself reaches nobody.
    if (signal.aborted)
      host.logger.warn("nobody waits for this container any longer: it is not made", { id, err });
    await undo.all(id);
    throw err;
  }
}

async function build(making: Making, tell: Tell): Promise<Container> {
  const { host, request, undo, signal } = making;
  const { id, checkpoint, stdin, stdout, stderr, terminal } = request;
  const bundle = checkBundle(request.bundle);
  if (checkpoint !== "") checkImage(checkpoint);
  const options = await decodeRuncOptions(request.options);
  forgetEnd(bundle);
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
  signal.throwIfAborted();
  const runc = runcFor(host, bundle, options);
  const made = { id, bundle, options, runc, stdio };
  const parts = { id, bundle, io, rootfs, runc, stdio, ...tell };
  if (checkpoint !== "") {
    const begin = ({ signal }: Beginning) => restore(made, checkpoint, signal);
    return new Container(host, { ...parts, pid: undefined, begin });
  }
  return host.childExits.making(async () => {
    const pid = await create(made, making);
    const begin = async ({ waiting, signal }: Beginning) => {
      const isDirect = host.settings.start === "direct" && waiting !== undefined;
      await runc.start(id, { signal, ...(isDirect && { waiting }) });
      return undefined;
    };
    return new Container(host, { ...parts, pid, begin });
  });
}

/** Calls `runc create`; the pid of the init, which waits for its start. */
async function create(made: MadeSoFar, { undo, signal }: Making): Promise<number> {
  const { id, bundle, options, runc, stdio } = made;
  const takeBack = takingBack(made);
  let why: unknown;
  undo.add("the state of runc", () => takeBack(why));
  const pidFile = bundlePaths(bundle).initPid;
  try {
    await runc.create(id, {
      bundle,
      pidFile,
      noPivot: options.noPivotRoot,
      noNewKeyring: options.noNewKeyring,
      signal,
      onSpawn: () => void hastenMove(),
      stdio: stdio.childFds,
      ...(stdio.consoleSocket !== undefined && { consoleSocket: stdio.consoleSocket }),
    });
  } catch (err) {
    why = err;
    throw err;
  }
  await stdio.handedOver();
  const pid = readInitPid(bundle);
  if (pid === undefined) throw new StatusError(StatusCode.internal, `${pidFile}: runc create left no pid`);
  return pid;
}

/** Mounts what the daemon gave as rootfs; without mounts the bundle's config.json says where the rootfs is. */
async function mount(
  { host, request, undo, signal }: Making,
  bundle: string,
): Promise<ContainerRootfs | undefined> {
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
    signal,
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

import path from "node:path";
import { hasCode, StatusCode, StatusError } from "../base/status.ts";
import { Pidfd } from "../linux/pidfd.ts";
import { checkBundle, readInitPid, writeOptions, writeRuntime } from "../oci/bundle.ts";
import { decodeRuncOptions, type RuncOptions } from "../oci/options.ts";
import { Runc } from "../oci/runc.ts";
import { readAnnotations } from "../oci/spec.ts";
import type { containerd } from "../proto/index.ts";
import { Container, type Exit, type Host } from "./container.ts";
import { INIT } from "./exit-order.ts";
import { openStdio } from "./open-stdio.ts";
import { releaseModeOf } from "./release-mode.ts";
import { ContainerRootfs } from "./rootfs.ts";

/** Where runc keeps its state unless the options name another directory. */
export const RUNC_ROOT = "/run/containerd/runc";

/** Undoes what was made so far, the newest first; what cannot be undone is logged and does not stop the rest. */
class Undo {
  readonly #host: Host;
  readonly #steps: { readonly what: string; readonly run: () => Promise<unknown> | unknown }[] = [];

  constructor(host: Host) {
    this.#host = host;
  }

  add(what: string, run: () => Promise<unknown> | unknown): void {
    this.#steps.push({ what, run });
  }

  async all(id: string): Promise<void> {
    for (const { what, run } of this.#steps.reverse()) {
      try {
        await run();
      } catch (err) {
        this.#host.logger.error("a failed create left something behind", { id, what, err });
      }
    }
  }
}

/**
 * Makes a container for a Create request: mounts the rootfs, opens the stdio, calls `runc create`. When a part
 * of it fails, what was made before is taken back, so that nothing is left half made.
 */
export async function createContainer(
  host: Host,
  request: containerd.task.v2.CreateTaskRequest,
  onExit: (exit: Exit) => void,
): Promise<Container> {
  const undo = new Undo(host);
  try {
    return await build(host, request, onExit, undo);
  } catch (err) {
    await undo.all(request.id);
    throw err;
  }
}

async function build(
  host: Host,
  request: containerd.task.v2.CreateTaskRequest,
  onExit: (exit: Exit) => void,
  undo: Undo,
): Promise<Container> {
  const { id } = request;
  const bundle = checkBundle(request.bundle);
  if (request.checkpoint !== "") {
    throw new StatusError(StatusCode.unimplemented, `restoring ${id} from a checkpoint is not supported yet`);
  }
  const options = decodeRuncOptions(request.options);
  writeOptions(bundle, options);
  writeRuntime(bundle, options.binaryName);
  const rootfs = await mount(host, request, bundle, undo);
  const owner = { bundle, id, execId: INIT, uid: options.ioUid, gid: options.ioGid };
  const stdio = await openStdio(host, request, owner);
  undo.add("its stdio", () => stdio.close());
  const runc = runcFor(host, bundle, options);
  const pidFile = path.join(bundle, "init.pid");
  let ours = true;
  undo.add("the state of runc", () => (ours ? runc.delete(id, { force: true }).catch(() => {}) : undefined));
  try {
    await runc.create(id, {
      bundle,
      pidFile,
      noPivot: options.noPivotRoot,
      noNewKeyring: options.noNewKeyring,
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
  const pidfd = Pidfd.open(host.libc, pid);
  return new Container(host, { id, bundle, rootfs, runc, stdio, pid, pidfd, onExit });
}

/** Mounts what the daemon gave as rootfs; without mounts the bundle's config.json says where the rootfs is. */
async function mount(
  host: Host,
  { id, rootfs: mounts }: containerd.task.v2.CreateTaskRequest,
  bundle: string,
  undo: Undo,
): Promise<ContainerRootfs | undefined> {
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

/** The OCI runtime as the options of the container say: which binary, which root, which cgroup driver. */
export function runcFor(
  host: Pick<Host, "logger" | "namespace">,
  bundle: string,
  options: RuncOptions,
): Runc {
  return new Runc({
    binary: options.binaryName || "runc",
    root: path.join(options.root || RUNC_ROOT, host.namespace),
    log: path.join(bundle, "log.json"),
    systemdCgroup: options.systemdCgroup,
    logger: host.logger,
  });
}

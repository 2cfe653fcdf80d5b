import os from "node:os";
import path from "node:path";
import { exactStat, realpath } from "../base/file-calls.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { fsError } from "../linux/errno.ts";
import type { Libc } from "../linux/libc.ts";
import { mountIdmapped } from "./idmapped-mount.ts";
import { withLoopDevice } from "./loop-device.ts";
import { lowerDirsOf, unescapeName } from "./lower-dirs.ts";
import { mountCall } from "./mount-call.ts";
import { helperOf, type MountStep } from "./mount-plan.ts";
import type { OverlayCall } from "./overlay-context.ts";
import { attemptVolatile } from "./volatile-attempt.ts";

/** Where a plan is executed, and until when. */
export interface ExecuteOptions {
  readonly rootfs: string;
  /** Where something may be mounted for a moment, best on a tmpfs; the temporary directory where it is missing. */
  readonly scratchDir?: () => string;
  /** Once it aborts no further step is begun; the error is its reason. */
  readonly signal?: AbortSignal;
}

/** Runs the steps of a plan in order, off the main thread; stops at the first that fails. */
export async function executeMounts(
  libc: Libc,
  steps: readonly MountStep[],
  options: ExecuteOptions,
): Promise<void> {
  const { rootfs, signal } = options;
  for (const step of steps) {
    signal?.throwIfAborted();
    const target = await resolveTarget(rootfs, step.target);
    await (step.kind === "helper" ? callHelper : callKernel)(libc, { ...step, target }, options);
  }
}

async function callHelper(_libc: Libc, step: MountStep, { signal }: ExecuteOptions): Promise<void> {
  const { source, target, data } = step;
  const { mountByHelper } = await import("./mount-helper.ts");
  await mountByHelper({ ...helperOf(step.type), source, target, options: data }, signal);
}

async function callKernel(libc: Libc, step: MountStep, options: ExecuteOptions): Promise<void> {
  try {
    await attemptVolatile(step.data, () => execute(libc, step, options));
  } catch (err) {
    throw await explain(err, step);
  }
}

/** Makes what the mount is to be made of, which goes again with the mount or with its failure, and mounts. */
async function execute(libc: Libc, step: MountStep, options: ExecuteOptions): Promise<void> {
  const { loop, idMaps, kind, data, ...rest } = step;
  const { scratchDir = os.tmpdir, signal } = options;
  if (kind === "remount")
    return (await import("./remount.ts")).remount(libc, { ...rest, data: data.join(",") });
  const mount = (call: OverlayCall) =>
    idMaps === undefined ? mountCall(libc, call) : mountIdmapped(libc, call, { idMaps, scratchDir });
  if (loop === undefined) return mount({ ...rest, options: data });
  await withLoopDevice(libc, step.source, { ...loop, signal }, (source) =>
    mount({ ...rest, source, options: data }),
  );
}

/** The target as the kernel will see it; what is mounted already must not lead it out of the rootfs by a link. */
async function resolveTarget(rootfs: string, target: string): Promise<string> {
  if (target === "" || target === "/") return rootfs;
  const wanted = path.join(rootfs, target);
  const real = await realpath(wanted).catch((err: unknown) => {
    throw fsError(`mount target ${wanted}`, err);
  });
  const top = await realpath(rootfs);
  if (real !== top && !real.startsWith(`${top}/`)) {
    throw new StatusError(
      StatusCode.invalidArgument,
      `mount target ${wanted} leads out of the rootfs, to ${real}`,
    );
  }
  return real;
}

/** The kernel says little; a directory that is not there is by far the most common cause. */
async function explain(thrown: unknown, step: MountStep): Promise<StatusError> {
  const err = StatusError.from(thrown);
  const missing = (await Promise.all([...pathsOf(step), step.target].map(isMissing))).find(
    (file) => file !== undefined,
  );
  if (missing === undefined) return err;
  return new StatusError(err.code, `${err.message}: ${missing} does not exist`, { cause: err });
}

function pathsOf({ source, type, data }: MountStep): string[] {
  if (type !== "overlay") return source.startsWith("/") ? [source] : [];
  return data.flatMap((option) => {
    const [name = "", value = ""] = option.split(/=(.*)/s);
    return lowerDirsOf(option) ?? (name === "upperdir" || name === "workdir" ? [unescapeName(value)] : []);
  });
}

async function isMissing(file: string): Promise<string | undefined> {
  return exactStat(file).then(
    () => undefined,
    (err: NodeJS.ErrnoException) => (err.code === "ENOENT" ? file : undefined),
  );
}

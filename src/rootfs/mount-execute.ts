import fs from "node:fs";
import path from "node:path";
import { hasCode, StatusCode, StatusError } from "../base/status.ts";
import { fsError } from "../linux/errno.ts";
import type { Libc } from "../linux/libc.ts";
import { lowerDirsOf, shortenLowerDirs, unescapeName } from "./lower-dirs.ts";
import type { MountStep } from "./mount-plan.ts";
import { fitsContext, mountOverlayByContext, type OverlayCall } from "./overlay-context.ts";

const { realpath } = fs.promises;

/** The most that mount(2) reads of its data: a page, less the closing zero byte. */
export const MAX_DATA_BYTES = 4095;

/** Where a plan is executed, and until when. */
export interface ExecuteOptions {
  readonly rootfs: string;
  /** Once it aborts no further step is begun; the error is its reason. */
  readonly signal?: AbortSignal;
}

/** Runs the steps of a plan in order, off the main thread; stops at the first that fails. */
export async function executeMounts(
  libc: Libc,
  steps: readonly MountStep[],
  { rootfs, signal }: ExecuteOptions,
): Promise<void> {
  for (const step of steps) {
    signal?.throwIfAborted();
    const target = await resolveTarget(rootfs, step.target);
    try {
      await mount(libc, { ...step, target, options: step.data });
    } catch (err) {
      throw await explain(err, step, target);
    }
  }
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

/** Mounts by mount(2) where the options fit into it, else in the way that has room for them. */
async function mount(libc: Libc, call: OverlayCall): Promise<void> {
  const { source, target, type, flags, options } = call;
  const data = options.join(",");
  if (Buffer.byteLength(data) <= MAX_DATA_BYTES) return libc.mount({ source, target, type, flags, data });
  if (!fitsContext(call)) return mountShortened(libc, call);
  try {
    await mountOverlayByContext(libc, call);
  } catch (err) {
    // A kernel without it, or one that does not like the options; it says the same of them in the other form.
    const refused = hasCode(err, StatusCode.unimplemented) || hasCode(err, StatusCode.invalidArgument);
    if (!refused) throw err;
    await mountShortened(libc, call).catch((thrown: unknown) => {
      const { code, message } = StatusError.from(thrown);
      throw new StatusError(code, `${message} (before: ${err.message})`, { cause: thrown });
    });
  }
}

/** For kernels that take a page of options and no more; there is room for some 210 layers then. */
async function mountShortened(libc: Libc, call: OverlayCall): Promise<void> {
  const { source, target, type, flags } = call;
  const { options, close } = await shortenLowerDirs(call.options);
  try {
    const data = options.join(",");
    const bytes = Buffer.byteLength(data);
    if (bytes > MAX_DATA_BYTES) {
      const message = `mount ${type} on ${target}: ${bytes} bytes of options, of which the kernel reads ${MAX_DATA_BYTES}: too many layers`;
      throw new StatusError(StatusCode.invalidArgument, message);
    }
    await libc.mount({ source, target, type, flags, data });
  } finally {
    close();
  }
}

/** The kernel says little; a directory that is not there is by far the most common cause. */
async function explain(thrown: unknown, step: MountStep, target: string): Promise<StatusError> {
  const err = StatusError.from(thrown);
  const missing = (await Promise.all([...pathsOf(step), target].map(isMissing))).find(
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
  return fs.promises.stat(file).then(
    () => undefined,
    (err: NodeJS.ErrnoException) => (err.code === "ENOENT" ? file : undefined),
  );
}

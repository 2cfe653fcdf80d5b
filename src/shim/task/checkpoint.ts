import fs from "node:fs";
import path from "node:path";
import { StatusCode, StatusError } from "../../base/status.ts";
import { bundlePaths } from "../../oci/bundle-paths.ts";
import type { RuncOptions } from "../../oci/options.ts";
import { readInitPid } from "../../oci/pid-file.ts";
import type { Runc } from "../../oci/runc.ts";
import type { CheckpointOptions } from "../../oci/runc-args.ts";
import type { ProcessStdio } from "../stdio/stdio.ts";
import { takingBack } from "./take-back.ts";

/** A container on its way: all that stands before the OCI runtime is called. */
export interface MadeSoFar {
  readonly id: string;
  readonly bundle: string;
  readonly options: RuncOptions;
  readonly runc: Runc;
  readonly stdio: ProcessStdio;
}

/** What a checkpoint is of, and how it is to be written. */
interface Checkpoint {
  readonly id: string;
  readonly bundle: string;
  readonly options: CheckpointOptions;
}

/**
 * Writes a container's state to disk. criu's own log stays in the bundle, as criu-dump.log, where that fails; its
 * other files go unless the options name a directory for them.
 */
export async function writeCheckpoint(runc: Runc, { id, bundle, options }: Checkpoint): Promise<void> {
  const { work, criuDumpLog } = bundlePaths(bundle);
  const workPath = options.workPath ?? path.join(work, "criu-work");
  await fs.promises.mkdir(workPath, { recursive: true, mode: 0o700 });
  try {
    await runc.checkpoint(id, { ...options, workPath });
  } catch (thrown) {
    const { code, message } = StatusError.from(thrown);
    const kept = await fs.promises.copyFile(path.join(workPath, "dump.log"), criuDumpLog).then(
      () => `, see ${criuDumpLog}`,
      () => "",
    );
    throw new StatusError(code, `${message}${kept}`, { cause: thrown });
  } finally {
    if (options.workPath === undefined) await fs.promises.rm(workPath, { recursive: true, force: true });
  }
}

/** A checkpoint that is to be restored has to be there: an absolute path of a directory. */
export function checkImage(image: string): void {
  if (!path.isAbsolute(image)) {
    throw new StatusError(StatusCode.invalidArgument, `checkpoint ${image}: not an absolute path`);
  }
  if (fs.statSync(image, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new StatusError(StatusCode.notFound, `checkpoint ${image}: no such directory`);
}

/**
 * Makes a container from a checkpoint; it runs at once. The pid of its init. Earlier checkpoints that the image
 * builds on are named by a link in it, so that the request's `parent_checkpoint` says nothing new. Where it fails, as it
 * does when the signal aborts, it can be tried again.
 */
export async function restore(made: MadeSoFar, image: string, signal: AbortSignal): Promise<number> {
  const { bundle, stdio } = made;
  const takeBack = takingBack(made);
  try {
    await callRestore(made, image, signal);
  } catch (err) {
    await takeBack(err);
    throw err;
  }
  await stdio.handedOver();
  const pid = readInitPid(bundle);
  if (pid !== undefined) return pid;
  throw new StatusError(StatusCode.internal, `${bundlePaths(bundle).initPid}: runc restore left no pid`);
}

async function callRestore(made: MadeSoFar, image: string, signal: AbortSignal): Promise<void> {
  const { id, bundle, options, runc, stdio } = made;
  const { initPid: pidFile, work } = bundlePaths(bundle);
  const workPath = options.criuWorkPath || work;
  await fs.promises.mkdir(workPath, { recursive: true, mode: 0o711 });
  await runc.restore(id, {
    bundle,
    pidFile,
    imagePath: image,
    workPath,
    noPivot: options.noPivotRoot,
    detach: true,
    // The restored init is to be left to the shim, which waits for it.
    noSubreaper: true,
    signal,
    stdio: stdio.childFds,
    ...(stdio.consoleSocket !== undefined && { consoleSocket: stdio.consoleSocket }),
  });
}

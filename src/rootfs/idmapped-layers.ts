import fs from "node:fs";
import path from "node:path";
import { close } from "../base/file-calls.ts";
import { hasCode, StatusCode, StatusError } from "../base/status.ts";
import { type Libc, MountFlag, UmountFlag } from "../linux/libc.ts";
import { explainNotMapped } from "./idmap-errors.ts";
import { lowerDirsOf } from "./lower-dirs.ts";
import { mountCall } from "./mount-call.ts";
import type { OverlayCall } from "./overlay-context.ts";

/** By which namespace ids are mapped, and where something may be mounted for a moment. */
export interface LayersOptions {
  readonly userNamespace: number;
  readonly scratchDir: () => string;
}

/**
 * Mounts an overlay of lower directories whose ids are mapped. Each is a mount of its own that is in no tree; the
 * overlay keeps copies, so that they go with their descriptors once it is mounted.
 */
export async function mountOverlayIdmapped(
  libc: Libc,
  call: OverlayCall,
  { userNamespace, scratchDir }: LayersOptions,
): Promise<void> {
  const layers: number[] = [];
  try {
    const options: string[] = [];
    for (const option of call.options) {
      const mapped = [];
      for (const dir of lowerDirsOf(option) ?? []) {
        const layer = await mapLayer(libc, dir, { userNamespace, layers });
        mapped.push(`/proc/self/fd/${layer}`);
      }
      options.push(mapped.length === 0 ? option : `lowerdir=${mapped.join(":")}`);
    }
    await mountLayers(libc, { ...call, options }, { layers, scratchDir });
  } finally {
    for (const layer of layers) await close(layer);
  }
}

interface Layers {
  readonly layers: readonly number[];
  readonly scratchDir: () => string;
}

async function mapLayer(
  libc: Libc,
  dir: string,
  { userNamespace, layers }: { readonly userNamespace: number; readonly layers: number[] },
): Promise<number> {
  const layer = await libc.idmaps.cloneTree(dir);
  layers.push(layer);
  await libc.idmaps.mapIds(layer, { userNamespace, readOnly: true }).catch((err: unknown) => {
    throw explainNotMapped(`lower directory ${dir}`, err);
  });
  return layer;
}

/** Kernels before 6.15 take no layer of an overlay that is in no tree: there they are put into one for a moment. */
async function mountLayers(libc: Libc, call: OverlayCall, placed: Layers): Promise<void> {
  try {
    await mountCall(libc, call);
  } catch (err) {
    if (!hasCode(err, StatusCode.invalidArgument)) throw err;
    await withLayersIn(libc, placed, () => mountCall(libc, call)).catch((thrown: unknown) => {
      throw explainRefusal(thrown);
    });
  }
}

/** Stacks the layers on a directory that is nobody's peer, so that no other mount namespace is given a copy. */
async function withLayersIn(
  libc: Libc,
  { layers, scratchDir }: Layers,
  use: () => Promise<void>,
): Promise<void> {
  const dir = await fs.promises.mkdtemp(path.join(scratchDir(), "layers-"));
  let stacked = 0;
  try {
    await libc.mount({ source: dir, target: dir, type: "", flags: MountFlag.bind, data: "" });
    stacked += 1;
    await libc.mount({ source: "", target: dir, type: "", flags: MountFlag.private, data: "" });
    for (const layer of layers) {
      await libc.moveMount(layer, dir);
      stacked += 1;
    }
    await use();
  } finally {
    // The descriptors and the overlay hold them: nothing here is a last unmount.
    for (; stacked > 0; stacked -= 1) libc.umount(dir, UmountFlag.detach | UmountFlag.noFollow);
    await fs.promises.rmdir(dir);
  }
}

function explainRefusal(thrown: unknown): StatusError {
  const err = StatusError.from(thrown);
  if (!hasCode(err, StatusCode.invalidArgument)) return err;
  const message = `${err.message}: an overlay takes layers whose ids are mapped since Linux 5.19`;
  return new StatusError(err.code, message, { cause: err });
}

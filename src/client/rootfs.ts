import { mkdir, rm, rmdir, stat } from "node:fs/promises";
import path from "node:path";
import { StatusCode, StatusError } from "../base/status.ts";
import type { containerd } from "../proto/index.ts";

/** What a container's root file system is made of. */
export type RootfsSource =
  /**
   * Writes go to `upper`; where `upper` and `work` are not given, to a layer that goes with the container. Of several
   * lower directories the topmost is the first.
   */
  | {
      readonly kind: "overlay";
      readonly lower: string | readonly string[];
      readonly upper?: string;
      readonly work?: string;
    }
  /** The directory itself: what the container writes stays in it. */
  | { readonly kind: "bind"; readonly source: string; readonly readOnly?: boolean }
  /** Any mounts that the shim understands. */
  | { readonly kind: "mounts"; readonly mounts: readonly containerd.types.IMount[] };

/** A root file system that is ready for a Create request. */
export interface PreparedRootfs {
  readonly mounts: readonly containerd.types.IMount[];
  /** Removes what was made for it. */
  remove(): Promise<void>;
}

/**
 * Turns a source into mounts; `layer` is where a missing upper and work directory are made. Throws `notFound`
 * for a directory that is not there and `invalidArgument` for a path that an overlay's options cannot hold.
 */
export async function prepareRootfs(source: RootfsSource, layer: string): Promise<PreparedRootfs> {
  if (source.kind === "mounts") return { mounts: source.mounts, remove: async () => {} };
  if (source.kind === "bind") {
    const dir = await checkDirectory(source.source);
    const options = ["rbind", source.readOnly ? "ro" : "rw"];
    return { mounts: [{ type: "bind", source: dir, options }], remove: async () => {} };
  }
  const lowers = await Promise.all([source.lower].flat().map(checkDirectory));
  const upper = path.resolve(source.upper ?? path.join(layer, "upper"));
  const work = path.resolve(source.work ?? path.join(layer, "work"));
  for (const dir of [...lowers, upper, work]) checkOverlayPath(dir);
  const own = source.upper === undefined || source.work === undefined;
  if (own) await mkdir(layer, { recursive: true, mode: 0o700 });
  await mkdir(upper, { recursive: true, mode: 0o755 });
  await mkdir(work, { recursive: true, mode: 0o711 });
  return {
    mounts: [overlayMount({ lower: lowers, upper, work })],
    remove: async () => {
      if (own) await removeLayer(layer);
    },
  };
}

/** The mount of an overlay whose directories are there, by absolute paths that {@link prepareRootfs} takes. */
export function overlayMount(dirs: {
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
}): containerd.types.IMount {
  const { lower, upper, work } = dirs;
  const options = [`workdir=${work}`, `upperdir=${upper}`, `lowerdir=${lower.join(":")}`];
  return { type: "overlay", source: "overlay", options };
}

async function removeLayer(layer: string): Promise<void> {
  await rm(layer, { recursive: true, force: true });
  // The directory of the namespace goes with its last layer.
  await rmdir(path.dirname(layer)).catch(() => {});
}

async function checkDirectory(dir: string): Promise<string> {
  const file = path.resolve(dir);
  const stats = await stat(file).catch(() => undefined);
  if (stats === undefined) throw new StatusError(StatusCode.notFound, `rootfs ${file} does not exist`);
  if (!stats.isDirectory())
    throw new StatusError(StatusCode.invalidArgument, `rootfs ${file} is no directory`);
  return file;
}

function checkOverlayPath(dir: string): void {
  const [character] = /[,:\\]/.exec(dir) ?? [];
  if (character === undefined) return;
  const message = `${dir} holds ${JSON.stringify(character)}, which the options of an overlay cannot`;
  throw new StatusError(StatusCode.invalidArgument, message);
}

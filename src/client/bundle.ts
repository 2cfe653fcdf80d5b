import { mkdir, readdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { StatusCode, StatusError } from "../base/status.ts";
import { checkIdentifier } from "./identifier.ts";
import { mountsAt, unmountAll } from "./mounts.ts";
import type { OciSpec } from "./spec.ts";

/** Which bundle to make, and where. */
export interface BundleOptions {
  /** The directory of all bundles; the bundle is `<root>/<namespace>/<id>`. Made where it is missing. */
  readonly root: string;
  readonly namespace: string;
  readonly id: string;
  readonly spec: OciSpec;
}

/** An OCI bundle on disk. */
export interface Bundle {
  readonly namespace: string;
  readonly id: string;
  /** The bundle's directory. */
  readonly path: string;
  /** The directory in it where the shim mounts the root file system. */
  readonly rootfs: string;
  /**
   * Unmounts what is left below rootfs and removes the bundle. It vanishes at once (by a rename), so nobody sees
   * half of one; nothing is ever removed through a mount. Does nothing when the bundle is gone already.
   */
  remove(): Promise<void>;
}

/**
 * Makes a bundle: its directory for root alone, an empty `rootfs`, `config.json`. Throws `alreadyExists` when
 * a bundle with this id is there; when anything fails, nothing is left behind.
 */
export async function createBundle(options: BundleOptions): Promise<Bundle> {
  const namespace = checkIdentifier("namespace", options.namespace);
  const id = checkIdentifier("id", options.id);
  const parent = path.join(path.resolve(options.root), namespace);
  const bundle = bundleAt({ root: options.root, namespace, id });
  const dir = bundle.path;
  await mkdir(parent, { recursive: true, mode: 0o711 });
  await makeNew(dir, options);
  try {
    await mkdir(bundle.rootfs, { mode: 0o711 });
    await writeFile(path.join(dir, "config.json"), JSON.stringify(options.spec), { mode: 0o600 });
  } catch (error) {
    await bundle.remove();
    throw error;
  }
  return bundle;
}

/** The bundle of a container where {@link createBundle} makes it, whether or not it is there. */
export function bundleAt({ root, namespace, id }: Omit<BundleOptions, "spec">): Bundle {
  const dir = path.join(path.resolve(root), namespace, id);
  return { namespace, id, path: dir, rootfs: path.join(dir, "rootfs"), remove: () => removeBundle(dir) };
}

async function makeNew(dir: string, { namespace, id }: BundleOptions): Promise<void> {
  try {
    await mkdir(dir, { mode: 0o700 });
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
    const message = `container ${id} exists already in namespace ${namespace} (${dir})`;
    throw new StatusError(StatusCode.alreadyExists, message, { cause: error });
  }
}

/** Removes a bundle's directory as {@link Bundle.remove} says, and its namespace's when that is empty now. */
export async function removeBundle(dir: string): Promise<void> {
  await unmountAll(dir);
  // Only an empty rootfs goes: should a file system be mounted there after all, its files are not ours to delete.
  await ignoring("ENOENT", rmdir(path.join(dir, "rootfs")));
  const hidden = path.join(path.dirname(dir), `.${path.basename(dir)}`);
  // What an earlier removal has left that was cut short.
  await removeHidden(hidden);
  await ignoring("ENOENT", rename(dir, hidden));
  await removeHidden(hidden);
  await removeIfEmpty(path.dirname(dir));
}

async function removeHidden(hidden: string): Promise<void> {
  const [mounted] = await mountsAt(hidden);
  if (mounted !== undefined) {
    throw new StatusError(StatusCode.failedPrecondition, `${mounted} is mounted: ${hidden} stays`);
  }
  await rm(hidden, { recursive: true, force: true });
}

async function removeIfEmpty(dir: string): Promise<void> {
  const names = await readdir(dir).catch(() => ["?"]);
  // Another container of the namespace may be made just now; then it is not empty, or made again.
  if (names.length === 0) await rmdir(dir).catch(() => {});
}

async function ignoring(code: string, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isErrno(error, code)) throw error;
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}

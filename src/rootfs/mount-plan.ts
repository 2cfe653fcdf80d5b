import { StatusCode, StatusError } from "../base/status.ts";
import { MountFlag } from "../linux/libc.ts";
import type { IdMaps } from "./id-maps.ts";
import { checkOption, type LoopOptions, parseMountOptions } from "./mount-options.ts";

/** A mount as containerd describes it (containerd.types.Mount). */
export interface MountSpec {
  readonly type: string;
  readonly source: string;
  /** Where below the rootfs; empty for the rootfs itself. */
  readonly target: string;
  readonly options: readonly string[];
}

/**
 * One call of mount(2), and what has to be made before it, or of a helper program, which takes all options as data. The
 * target is a path below the rootfs (empty for the rootfs itself).
 */
export interface MountStep {
  readonly kind: "mount" | "remount" | "propagation" | "helper";
  readonly source: string;
  readonly target: string;
  readonly type: string;
  readonly flags: number;
  readonly data: readonly string[];
  readonly loop?: LoopOptions;
  readonly idMaps?: IdMaps;
}

/** A bind takes its other flags only by a second call (mount(2), "Remounting an existing mount"). */
const BIND_FLAGS =
  MountFlag.rdonly |
  MountFlag.nosuid |
  MountFlag.nodev |
  MountFlag.noexec |
  MountFlag.noatime |
  MountFlag.nodiratime;

/**
 * The calls that make a rootfs of containerd's mounts, in order, as data. Options that are not supported, and
 * targets that would leave the rootfs, are refused here, before anything is mounted.
 */
export function planMounts(mounts: readonly MountSpec[]): MountStep[] {
  return mounts.flatMap(planMount);
}

function planMount({ type, source, target, options }: MountSpec): MountStep[] {
  checkTarget(target);
  if (source.includes("\0") || type.includes("\0")) {
    throw new StatusError(
      StatusCode.invalidArgument,
      `mount of ${JSON.stringify(source)}: a zero byte in it`,
    );
  }
  checkType(type);
  if (takesHelper(type)) {
    return [{ kind: "helper", source, target, type, flags: 0, data: options.map(checkOption) }];
  }
  const { propagation, ...call } = parseMountOptions(options);
  const { flags } = call;
  const steps: MountStep[] = [{ kind: "mount", source, target, type, ...call }];
  if (propagation !== 0) {
    steps.push({ kind: "propagation", source: "", target, type: "", flags: propagation, data: [] });
  }
  if ((flags & MountFlag.bind) !== 0 && (flags & BIND_FLAGS) !== 0) {
    const remount = (flags & ~MountFlag.rec) | MountFlag.remount;
    steps.push({ kind: "remount", source: "", target, type: "", flags: remount, data: [] });
  }
  return steps;
}

function checkTarget(target: string): void {
  const escapes = target.split("/").includes("..") || target.includes("\0");
  if (escapes) throw new StatusError(StatusCode.invalidArgument, `mount target ${target} leaves the rootfs`);
}

/** Whether a type is one that mount(8) and the daemon know and the kernel does not: a program makes the mount. */
function takesHelper(type: string): boolean {
  return type.startsWith("fuse.") || type.startsWith("fuse3.");
}

/** The program that makes the mounts of such a type, and what it calls it: `fuse3.a.b` is `a.b` to `mount.fuse3`. */
export function helperOf(type: string): { readonly helper: string; readonly type: string } {
  const [name, ...rest] = type.split(".");
  return { helper: `mount.${name}`, type: rest.join(".") };
}

/** A type of the daemon's own: the kernel would only say that there is no such device. */
function checkType(type: string): void {
  if (type.includes("/")) {
    const message = `mount type ${type} is for the daemon's mount manager (containerd 2.2 and later), which has left it in`;
    throw new StatusError(StatusCode.unimplemented, message);
  }
}

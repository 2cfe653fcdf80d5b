import { StatusCode, StatusError } from "../base/status.ts";
import { MountFlag } from "../linux/libc.ts";
import { type IdMaps, idMapsOf } from "./id-maps.ts";

/** How the file that is mounted is shown as a block device. */
export interface LoopOptions {
  readonly readOnly: boolean;
  /** Past the page cache. */
  readonly directIo: boolean;
}

/** What a list of mount options means to mount(2). */
export interface ParsedOptions {
  /** Flags of the mount itself. */
  readonly flags: number;
  /** Flags of the second call that sets the propagation; 0 for none. */
  readonly propagation: number;
  /** What only the file system understands, in the order given. */
  readonly data: readonly string[];
  /** The source is a file with a file system in it. */
  readonly loop?: LoopOptions;
  /** The mount, or of an overlay its lower directories, are to have their ids mapped. */
  readonly idMaps?: IdMaps;
}

type Effect = { readonly set: number } | { readonly clear: number } | { readonly propagation: number };

const { rec } = MountFlag;

/** An option a line, as fstab and mount(8) have them. What is not here is data for the file system. */
const OPTIONS: Readonly<Record<string, Effect>> = {
  async: { clear: MountFlag.synchronous },
  atime: { clear: MountFlag.noatime },
  bind: { set: MountFlag.bind },
  defaults: { set: 0 },
  dev: { clear: MountFlag.nodev },
  diratime: { clear: MountFlag.nodiratime },
  dirsync: { set: MountFlag.dirsync },
  exec: { clear: MountFlag.noexec },
  lazytime: { set: MountFlag.lazytime },
  mand: { set: MountFlag.mandlock },
  noatime: { set: MountFlag.noatime },
  nodev: { set: MountFlag.nodev },
  nodiratime: { set: MountFlag.nodiratime },
  noexec: { set: MountFlag.noexec },
  nolazytime: { clear: MountFlag.lazytime },
  nomand: { clear: MountFlag.mandlock },
  norelatime: { clear: MountFlag.relatime },
  nostrictatime: { clear: MountFlag.strictatime },
  nosuid: { set: MountFlag.nosuid },
  private: { propagation: MountFlag.private },
  rbind: { set: MountFlag.bind | rec },
  relatime: { set: MountFlag.relatime },
  remount: { set: MountFlag.remount },
  ro: { set: MountFlag.rdonly },
  rprivate: { propagation: MountFlag.private | rec },
  rshared: { propagation: MountFlag.shared | rec },
  rslave: { propagation: MountFlag.slave | rec },
  runbindable: { propagation: MountFlag.unbindable | rec },
  rw: { clear: MountFlag.rdonly },
  shared: { propagation: MountFlag.shared },
  slave: { propagation: MountFlag.slave },
  strictatime: { set: MountFlag.strictatime },
  suid: { clear: MountFlag.nosuid },
  sync: { set: MountFlag.synchronous },
  unbindable: { propagation: MountFlag.unbindable },
};

/** Reads mount options, later ones overruling earlier ones. One that cannot be honoured is refused by name. */
export function parseMountOptions(options: readonly string[]): ParsedOptions {
  let flags = 0;
  let propagation = 0;
  const others: string[] = [];
  for (const option of options) {
    const effect = Object.hasOwn(OPTIONS, option) ? OPTIONS[option] : undefined;
    if (effect === undefined) others.push(checkOption(option));
    else if ("set" in effect) flags |= effect.set;
    else if ("clear" in effect) flags &= ~effect.clear;
    else propagation = effect.propagation;
  }
  return { flags, propagation, ...preparationsOf(others, (flags & MountFlag.rdonly) !== 0) };
}

const ID_MAP = /^(uidmap|gidmap)=(.*)$/s;

/** Takes out what is done before mount(2), and is nothing that a file system understands. */
function preparationsOf(options: readonly string[], readOnly: boolean) {
  const loop = options.includes("loop");
  const isOurs = (option: string) => ID_MAP.test(option) || (loop && /^(loop|direct-io)$/.test(option));
  const maps = Object.fromEntries(options.map((option) => ID_MAP.exec(option)?.slice(1) ?? []));
  const idMaps = idMapsOf(maps);
  return {
    data: options.filter((option) => !isOurs(option)),
    ...(loop && { loop: { readOnly, directIo: options.includes("direct-io") } }),
    ...(idMaps !== undefined && { idMaps }),
  };
}

/** An option that is data for the file system, or a helper; one that cannot be honoured is refused by name. */
export function checkOption(option: string): string {
  if (option.startsWith("X-containerd.")) {
    const message = `mount option ${option} is for the daemon's mount manager (containerd 2.2 and later), which has left it in`;
    throw new StatusError(StatusCode.unimplemented, message);
  }
  if (option.startsWith("loop=")) {
    const message = `mount option ${option} is not supported: loop takes a device that is free`;
    throw new StatusError(StatusCode.unimplemented, message);
  }
  // A NUL would end the kernel's string early, and with it the options behind it.
  if (option.includes("\0")) {
    throw new StatusError(
      StatusCode.invalidArgument,
      `mount option ${JSON.stringify(option)} holds a zero byte`,
    );
  }
  return option;
}

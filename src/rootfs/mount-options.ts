import { StatusCode, StatusError } from "../base/status.ts";
import { MountFlag } from "../linux/libc.ts";

/** What a list of mount options means to mount(2). */
export interface ParsedOptions {
  /** Flags of the mount itself. */
  readonly flags: number;
  /** Flags of the second call that sets the propagation; 0 for none. */
  readonly propagation: number;
  /** What only the file system understands, in the order given. */
  readonly data: readonly string[];
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

/** Options that ask for work before or after mount(2) which is not done here yet: refusing beats ignoring. */
const UNSUPPORTED = /^(X-containerd\.|uidmap=|gidmap=|loop$|loop=)/;

/** Reads mount options, later ones overruling earlier ones. One that cannot be honoured is `unimplemented`. */
export function parseMountOptions(options: readonly string[]): ParsedOptions {
  let flags = 0;
  let propagation = 0;
  const data: string[] = [];
  for (const option of options) {
    const effect = Object.hasOwn(OPTIONS, option) ? OPTIONS[option] : undefined;
    if (effect === undefined) data.push(checkData(option));
    else if ("set" in effect) flags |= effect.set;
    else if ("clear" in effect) flags &= ~effect.clear;
    else propagation = effect.propagation;
  }
  return { flags, propagation, data };
}

function checkData(option: string): string {
  if (UNSUPPORTED.test(option)) {
    throw new StatusError(StatusCode.unimplemented, `mount option ${option} is not supported yet`);
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

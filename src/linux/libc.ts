/** Flags of mount(2); the numbers are those of linux/mount.h. */
export const MountFlag = {
  rdonly: 1 << 0,
  nosuid: 1 << 1,
  nodev: 1 << 2,
  noexec: 1 << 3,
  synchronous: 1 << 4,
  remount: 1 << 5,
  mandlock: 1 << 6,
  dirsync: 1 << 7,
  noatime: 1 << 10,
  nodiratime: 1 << 11,
  bind: 1 << 12,
  rec: 1 << 14,
  silent: 1 << 15,
  unbindable: 1 << 17,
  private: 1 << 18,
  slave: 1 << 19,
  shared: 1 << 20,
  relatime: 1 << 21,
  strictatime: 1 << 24,
  lazytime: 1 << 25,
} as const;

/** Flags of umount2(2). */
export const UmountFlag = { detach: 2, noFollow: 8 } as const;

/** Flags of open(2) that `node:fs` has no name for. */
export const O_PATH = 0o10000000;

/** The arguments of mount(2). Empty strings are passed as such; the kernel ignores those it does not need. */
export interface MountCall {
  readonly source: string;
  readonly target: string;
  readonly type: string;
  readonly flags: number;
  /** At most 4095 bytes: the kernel reads one page. */
  readonly data: string;
}

/** A child that has ended, as waitpid(2) tells it: the status is decoded by `decodeWaitStatus`. */
export interface WaitResult {
  readonly pid: number;
  readonly status: number;
}

/**
 * The kernel calls that neither Node nor Bun has, behind one interface: `koffi-libc.ts` implements it, tests
 * have a recording fake. A failed call throws a StatusError made by `errnoError`, naming the call and what it
 * was about. Only `mount` may sleep, and so runs off the main thread.
 */
export interface Libc {
  /** mount(2), off the main thread: making the work directory of an overlay waits for its disk. */
  mount(call: MountCall): Promise<void>;
  /** umount2(2). With MNT_DETACH and a reference held elsewhere it only changes the tree, and returns at once. */
  umount(target: string, flags: number): void;
  /** prctl(2), PR_SET_CHILD_SUBREAPER: orphans of our descendants become our children. */
  setChildSubreaper(): void;
  /** waitpid(2) with WNOHANG for one pid: undefined while it runs. Not our child is `notFound`. */
  waitpid(pid: number): WaitResult | undefined;
  /** pidfd_open(2): a descriptor, close-on-exec, that means this very process for ever. */
  pidfdOpen(pid: number): number;
  /** pidfd_send_signal(2). A process that has ended is `notFound`. */
  pidfdSendSignal(pidfd: number, signal: number): void;
}

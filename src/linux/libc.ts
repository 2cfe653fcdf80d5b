import type { IdmapCalls } from "./idmap-calls.ts";
import type { LoopCalls } from "./loop-calls.ts";
import type { StreamCalls } from "./stream-calls.ts";

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

/** Commands of fsconfig(2); the numbers are those of linux/mount.h. */
export const FsconfigCommand = { setFlag: 0, setString: 1, create: 6 } as const;

/** Attributes of fsmount(2). */
export const MountAttribute = {
  rdonly: 0x1,
  nosuid: 0x2,
  nodev: 0x4,
  noexec: 0x8,
  noatime: 0x10,
  strictatime: 0x20,
  nodiratime: 0x80,
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

/** The arguments of fsconfig(2) that depend on the command. */
export interface FsconfigCall {
  readonly command: number;
  readonly key: string | null;
  /** At most 255 bytes. */
  readonly value: string | null;
}

/** How many files a process may have open (getrlimit(2), RLIMIT_NOFILE), and how far it may raise that itself. */
export interface OpenFilesLimit {
  readonly soft: number;
  readonly hard: number;
}

/** A child that has ended, as waitpid(2) tells it: the status is decoded by `decodeWaitStatus`. */
export interface WaitResult {
  readonly pid: number;
  readonly status: number;
}

/**
 * The kernel calls that neither Node nor Bun has, behind one interface: `koffi-libc.ts` implements it, tests
 * have a recording fake. A failed call throws a StatusError made by `errnoError`, naming the call and what it
 * was about. What may sleep gives a promise and runs off the main thread.
 */
export interface Libc {
  /** What is about terminals, sockets and pipes. */
  readonly streams: StreamCalls;
  /** What is about loop devices. */
  readonly loops: LoopCalls;
  /** What is about idmapped mounts. */
  readonly idmaps: IdmapCalls;
  /** mount(2), off the main thread: making the work directory of an overlay waits for its disk. */
  mount(call: MountCall): Promise<void>;
  /** fsopen(2): a descriptor, close-on-exec, to configure a file system on. Before Linux 5.2 `unimplemented`. */
  fsopen(type: string): Promise<number>;
  /** fsconfig(2), off the main thread: it looks up paths, and its `create` does what mount(2) does. */
  fsconfig(fd: number, call: FsconfigCall): Promise<void>;
  /** fsmount(2): a mount, as a descriptor, that is nowhere in the tree yet and goes with its descriptor. */
  fsmount(fd: number, attributes: number): Promise<number>;
  /** move_mount(2): puts a mount made by `fsmount` on a path. */
  moveMount(fd: number, target: string): Promise<void>;
  /** umount2(2). With MNT_DETACH and a reference held elsewhere it only changes the tree, and returns at once. */
  umount(target: string, flags: number): void;
  /**
   * poll(2) without waiting: whether a file of the kernel's that tells of its changes, such as mountinfo, has changed
   * since it was opened or last asked about (proc_pid_mounts(5)).
   */
  hasChanged(fd: number): boolean;
  /** syncfs(2), which waits for the disk: for a process that does nothing else. */
  syncfs(fd: number): void;
  /** setsid(2): this process in a session of its own; nothing where it leads one. */
  leaveSession(): void;
  /** prctl(2), PR_SET_CHILD_SUBREAPER: orphans of our descendants become our children. */
  setChildSubreaper(): void;
  /**
   * prctl(2), PR_SCHED_CORE: no process but this one and those it starts from now on shares a processor core with it.
   * `invalidArgument` or `notFound` where kernel or processor have no such thing.
   */
  createCoreGroup(): void;
  /** prlimit(2): the limit on this process's open files, which what it starts inherits. */
  openFilesLimit(): OpenFilesLimit;
  /** The same: sets it. */
  setOpenFilesLimit(limit: OpenFilesLimit): void;
  /** waitpid(2) with WNOHANG for one pid: undefined while it runs. Not our child is `notFound`. */
  waitpid(pid: number): WaitResult | undefined;
  /** eventfd(2): a counter as a descriptor, at 0, that neither blocks nor is inherited. */
  eventfd(): number;
  /** kill(2) for one process. A pid that nobody has is `notFound`. */
  kill(pid: number, signal: number): void;
  /**
   * pidfd_open(2): a descriptor, close-on-exec, that means this very process for ever. Before Linux 5.3 `unimplemented`.
   */
  pidfdOpen(pid: number): number;
  /** pidfd_send_signal(2). A process that has ended is `notFound`. */
  pidfdSendSignal(pidfd: number, signal: number): void;
}

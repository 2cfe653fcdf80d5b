import { type AsyncCall, type Call, type Caller, callerOf } from "./caller.ts";
import { errnoError } from "./errno.ts";
import type { IdmapCalls } from "./idmap-calls.ts";
import { KoffiIdmapCalls } from "./koffi-idmap-calls.ts";
import { KoffiLoopCalls } from "./koffi-loop-calls.ts";
import { KoffiStreamCalls } from "./koffi-stream-calls.ts";
import type { FsconfigCall, Libc, MountCall, OpenFilesLimit, WaitResult } from "./libc.ts";
import type { LoopCalls } from "./loop-calls.ts";
import { loadNativeModule, type NativeModule } from "./native-module.ts";
import type { StreamCalls } from "./stream-calls.ts";

const PR_SET_CHILD_SUBREAPER = 36;
const PR_SCHED_CORE = 62;
const PR_SCHED_CORE_CREATE = 1;
/** All threads of a process (`enum pid_type`). */
const PIDTYPE_TGID = 1;
const WNOHANG = 1;
const RLIMIT_NOFILE = 7;
/** System call numbers of calls that old C libraries have no function for; alike on all architectures. */
const SYS_PIDFD_SEND_SIGNAL = 424;
const SYS_PIDFD_OPEN = 434;
const SYS_MOVE_MOUNT = 429;
const SYS_FSOPEN = 430;
const SYS_FSCONFIG = 431;
const SYS_FSMOUNT = 432;
const FSOPEN_CLOEXEC = 1;
const FSMOUNT_CLOEXEC = 1;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const AT_FDCWD = -100;
const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;

let loaded: Libc | undefined;

/** The kernel's calls through koffi; the first call loads its native module, which takes some milliseconds. */
export function loadLibc(): Libc {
  loaded ??= new KoffiLibc(loadNativeModule());
  return loaded;
}

class KoffiLibc implements Libc {
  readonly #native: NativeModule;
  readonly #caller: Caller;
  readonly #off: Caller["off"];
  readonly #mount: AsyncCall;
  readonly #umount2: Call;
  readonly #poll: Call;
  readonly #prctl: Call;
  readonly #prlimit: Call;
  readonly #waitpid: Call;
  readonly #eventfd: Call;
  readonly #syscall: Call;
  readonly #fsopen: AsyncCall;
  readonly #fsconfig: AsyncCall;
  readonly #fsmount: AsyncCall;
  readonly #moveMount: AsyncCall;
  #streams: StreamCalls | undefined;
  #loops: LoopCalls | undefined;
  #idmaps: IdmapCalls | undefined;

  constructor(native: NativeModule) {
    this.#native = native;
    this.#caller = callerOf(native);
    const { define, off } = this.#caller;
    this.#off = off;
    this.#mount = define(
      "int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)",
    );
    this.#umount2 = define("int umount2(const char *target, int flags)");
    this.#poll = define("int poll(void *fds, unsigned long count, int timeout)");
    this.#prctl = define(
      "int prctl(int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d)",
    );
    this.#prlimit = define("int prlimit(int pid, int resource, const void *limit, void *old)");
    this.#waitpid = define("int waitpid(int pid, _Out_ int *status, int options)");
    this.#eventfd = define("int eventfd(unsigned int value, int flags)");
    this.#syscall = define("long syscall(long number, long a, long b, long c, long d)");
    this.#fsopen = define("long syscall(long number, const char *type, long flags)");
    this.#fsconfig = define(
      "long syscall(long number, long fd, long command, const char *key, const char *value, long aux)",
    );
    this.#fsmount = define("long syscall(long number, long fd, long flags, long attributes)");
    this.#moveMount = define(
      "long syscall(long number, long fromFd, const char *from, long toFd, const char *to, long flags)",
    );
  }

  /** Defined when it is first asked for, as the next two: most containers need none of it. */
  get streams(): StreamCalls {
    this.#streams ??= new KoffiStreamCalls(this.#native);
    return this.#streams;
  }

  get loops(): LoopCalls {
    this.#loops ??= new KoffiLoopCalls(this.#caller);
    return this.#loops;
  }

  get idmaps(): IdmapCalls {
    this.#idmaps ??= new KoffiIdmapCalls(this.#caller);
    return this.#idmaps;
  }

  async mount({ source, target, type, flags, data }: MountCall): Promise<void> {
    await this.#off(
      this.#mount,
      [source, target, type, flags, data],
      `mount ${source || "none"} on ${target}`,
    );
  }

  fsopen(type: string): Promise<number> {
    return this.#off(this.#fsopen, [SYS_FSOPEN, type, FSOPEN_CLOEXEC], `open a context for ${type}`);
  }

  async fsconfig(fd: number, { command, key, value }: FsconfigCall): Promise<void> {
    const what = key === null ? "create the file system" : `set ${value === null ? key : `${key}=${value}`}`;
    await this.#off(this.#fsconfig, [SYS_FSCONFIG, fd, command, key, value, 0], what);
  }

  fsmount(fd: number, attributes: number): Promise<number> {
    return this.#off(this.#fsmount, [SYS_FSMOUNT, fd, FSMOUNT_CLOEXEC, attributes], "make a mount");
  }

  async moveMount(fd: number, target: string): Promise<void> {
    const args = [SYS_MOVE_MOUNT, fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH];
    await this.#off(this.#moveMount, args, `move a mount to ${target}`);
  }

  umount(target: string, flags: number): void {
    this.#check(this.#umount2(target, flags), `unmount ${target}`);
  }

  hasChanged(fd: number): boolean {
    // A `struct pollfd`: the descriptor, and in two halves which events are wanted and have come; POLLERR comes unasked.
    const pollfd = new Int32Array([fd, 0]);
    return this.#check(this.#poll(pollfd, 1, 0), `ask whether descriptor ${fd} has changed`) > 0;
  }

  syncfs(fd: number): void {
    // Defined here, as no process but a short one calls it.
    this.#check(this.#caller.define("int syncfs(int fd)")(fd), "write out what is on the file system");
  }

  leaveSession(): void {
    this.#caller.define("int setsid()")();
  }

  setChildSubreaper(): void {
    this.#check(this.#prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "become a subreaper");
  }

  createCoreGroup(): void {
    const result = this.#prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, PIDTYPE_TGID, 0);
    this.#check(result, "make a group of core scheduling");
  }

  openFilesLimit(): OpenFilesLimit {
    // A `struct rlimit`.
    const old = new BigUint64Array(2);
    this.#check(this.#prlimit(0, RLIMIT_NOFILE, null, old), "ask for the limit on open files");
    const [soft = 0, hard = 0] = [...old].map(Number);
    return { soft, hard };
  }

  setOpenFilesLimit({ soft, hard }: OpenFilesLimit): void {
    const limit = BigUint64Array.of(BigInt(soft), BigInt(hard));
    this.#check(this.#prlimit(0, RLIMIT_NOFILE, limit, null), `limit open files to ${soft}`);
  }

  waitpid(pid: number): WaitResult | undefined {
    const status = [0];
    const result = this.#check(this.#waitpid(pid, status, WNOHANG), `wait for pid ${pid}`);
    return result === 0 ? undefined : { pid: result, status: status[0] ?? 0 };
  }

  eventfd(): number {
    return this.#check(this.#eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "make an eventfd");
  }

  /** Defined each time that it is used: on old kernels, and there for a signal, of which a container gets few. */
  kill(pid: number, signal: number): void {
    const kill = this.#caller.define("int kill(int pid, int signal)");
    this.#check(kill(pid, signal), `send signal ${signal} to pid ${pid}`);
  }

  pidfdOpen(pid: number): number {
    return this.#check(this.#syscall(SYS_PIDFD_OPEN, pid, 0, 0, 0), `open a pidfd of pid ${pid}`);
  }

  pidfdSendSignal(pidfd: number, signal: number): void {
    this.#check(this.#syscall(SYS_PIDFD_SEND_SIGNAL, pidfd, signal, 0, 0), `send signal ${signal}`);
  }

  #check(result: number, what: string): number {
    if (result < 0) throw errnoError(what, this.#native.errno());
    return result;
  }
}

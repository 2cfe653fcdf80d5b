import { errnoError } from "./errno.ts";
import type { Libc, MountCall, WaitResult } from "./libc.ts";
import { loadNativeModule, type NativeModule } from "./native-module.ts";

const PR_SET_CHILD_SUBREAPER = 36;
const WNOHANG = 1;
/** System call numbers of calls that old C libraries have no function for; alike on all architectures. */
const SYS_PIDFD_SEND_SIGNAL = 424;
const SYS_PIDFD_OPEN = 434;

type Call = (...args: unknown[]) => number;
type AsyncCall = Call & { async: (...args: unknown[]) => void };

/** The kernel's calls through koffi; loads its native module, which takes some milliseconds. */
export function loadLibc(): Libc {
  return new KoffiLibc(loadNativeModule());
}

class KoffiLibc implements Libc {
  readonly #native: NativeModule;
  readonly #mount: AsyncCall;
  readonly #umount2: Call;
  readonly #prctl: Call;
  readonly #waitpid: Call;
  readonly #syscall: Call;

  constructor(native: NativeModule) {
    this.#native = native;
    const libc = native.load(null);
    const define = (prototype: string) => libc.func(prototype) as unknown as AsyncCall;
    this.#mount = define(
      "int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)",
    );
    this.#umount2 = define("int umount2(const char *target, int flags)");
    this.#prctl = define(
      "int prctl(int op, unsigned long a, unsigned long b, unsigned long c, unsigned long d)",
    );
    this.#waitpid = define("int waitpid(int pid, _Out_ int *status, int options)");
    this.#syscall = define("long syscall(long number, long a, long b, long c, long d)");
  }

  mount({ source, target, type, flags, data }: MountCall): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#mount.async(source, target, type, flags, data, (err: unknown, result: number) => {
        // koffi hands the worker thread's errno to this very callback.
        if (err !== null) reject(err);
        else if (result === 0) resolve();
        else reject(errnoError(`mount ${source || "none"} on ${target}`, this.#native.errno()));
      });
    });
  }

  umount(target: string, flags: number): void {
    this.#check(this.#umount2(target, flags), `unmount ${target}`);
  }

  setChildSubreaper(): void {
    this.#check(this.#prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "become a subreaper");
  }

  waitpid(pid: number): WaitResult | undefined {
    const status = [0];
    const result = this.#check(this.#waitpid(pid, status, WNOHANG), `wait for pid ${pid}`);
    return result === 0 ? undefined : { pid: result, status: status[0] ?? 0 };
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

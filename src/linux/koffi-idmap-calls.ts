import type { AsyncCall, Caller } from "./caller.ts";
import type { IdmapCalls, MapIds } from "./idmap-calls.ts";
import { MountFlag } from "./libc.ts";

/** System call numbers, alike on all architectures. */
const SYS_OPEN_TREE = 428;
const SYS_MOUNT_SETATTR = 442;
const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const AT_RECURSIVE = 0x8000;
const OPEN_TREE_CLONE = 1;
const OPEN_TREE_CLOEXEC = 0o2000000;
const MOUNT_ATTR_RDONLY = 0x1;
const MOUNT_ATTR_IDMAP = 0x100000;
/** `struct mount_attr`: what to set, what to clear, the propagation and the namespace, 64 bits each. */
const ATTRIBUTES = 4;

const CLONE_FILES = 0x400;
const CLONE_NEWUSER = 0x10000000;
const SIGCHLD = 17;
/** What the child does, for so many seconds: should we die before we end it, it is gone soon all the same. */
const SLEEP_SECONDS = 10;
const STACK_BYTES = 64 << 10;
/** Room at the top of the stack for what clone(2) puts there. */
const STACK_TOP_BYTES = 256;

/** {@link IdmapCalls} through koffi. */
export class KoffiIdmapCalls implements IdmapCalls {
  readonly #caller: Caller;
  readonly #openTree: AsyncCall;
  readonly #mountSetattr: AsyncCall;
  readonly #clone: AsyncCall;

  constructor(caller: Caller) {
    this.#caller = caller;
    this.#openTree = caller.define("long syscall(long number, long fd, const char *path, long flags)");
    this.#mountSetattr = caller.define(
      "long syscall(long number, long fd, const char *path, long flags, void *attributes, long size)",
    );
    this.#clone = caller.define("int clone(void *function, void *stack, int flags, long argument)");
  }

  cloneTree(path: string, { recursive = false } = {}): Promise<number> {
    const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
    return this.#caller.off(this.#openTree, [SYS_OPEN_TREE, AT_FDCWD, path, flags], `copy the mount ${path}`);
  }

  async mapIds(tree: number, { userNamespace, recursive = false, readOnly = false }: MapIds): Promise<void> {
    const set = MOUNT_ATTR_IDMAP | (readOnly ? MOUNT_ATTR_RDONLY : 0);
    const attributes = BigUint64Array.of(BigInt(set), 0n, BigInt(MountFlag.private), BigInt(userNamespace));
    const flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
    const args = [SYS_MOUNT_SETATTR, tree, "", flags, attributes, ATTRIBUTES * 8];
    await this.#caller.off(this.#mountSetattr, args, "map the ids of a mount");
  }

  /**
   * A function of the C library is all that runs in the child: it has a copy of our memory but none of our threads.
   * Descriptors are shared, so that it keeps none open that we close.
   */
  async startInUserNamespace(): Promise<number> {
    const stack = Buffer.alloc(STACK_BYTES);
    const top = stack.subarray(STACK_BYTES - STACK_TOP_BYTES);
    const args = [this.#caller.addressOf("sleep"), top, CLONE_NEWUSER | CLONE_FILES | SIGCHLD, SLEEP_SECONDS];
    return await this.#caller.off(this.#clone, args, "make a user namespace");
  }
}

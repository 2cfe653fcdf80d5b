import { constants } from "node:fs";
import { StatusCode, StatusError } from "../base/status.ts";
import { errnoError, errnoName } from "./errno.ts";
import type { NativeModule } from "./native-module.ts";
import type { Pipe, StreamCalls, WindowSize } from "./stream-calls.ts";

const { O_RDWR, O_NOCTTY, O_NONBLOCK } = constants;
const O_CLOEXEC = 0o2000000;
const AF_UNIX = 1;
const SOCK_STREAM = 1;
/** The longest path of a unix socket, with the zero at its end. */
const SUN_PATH = 108;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CMSG_CLOEXEC = 0x40000000;
const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;
const POLLIN = 1;
const POLLHUP = 0x10;
const TIOCSWINSZ = 0x5414;
const TIOCGPTPEER = 0x5441;

/** A control message's header (length, level, type) and one descriptor: with no room for another none comes. */
const CONTROL_BYTES = 20;
/** Runtimes send the terminal's name along. */
const NAME_BYTES = 4096;

type Call = (...args: unknown[]) => number;

/** {@link StreamCalls} through koffi. */
export class KoffiStreamCalls implements StreamCalls {
  readonly #native: NativeModule;
  readonly #pipe2: Call;
  readonly #socket: Call;
  readonly #bind: Call;
  readonly #listen: Call;
  readonly #close: Call;
  readonly #accept4: Call;
  readonly #recvmsg: Call;
  readonly #fcntl: Call;
  readonly #ioctl: Call;
  readonly #ioctlSize: Call;
  readonly #define: (prototype: string) => Call;
  #poll: Call | undefined;

  constructor(native: NativeModule) {
    this.#native = native;
    const libc = native.load(null);
    const define = (prototype: string) => libc.func(prototype) as unknown as Call;
    this.#define = define;
    this.#pipe2 = define("int pipe2(_Out_ int *fds, int flags)");
    this.#socket = define("int socket(int domain, int type, int protocol)");
    this.#listen = define("int listen(int fd, int backlog)");
    this.#close = define("int close(int fd)");
    this.#accept4 = define("int accept4(int fd, void *address, void *length, int flags)");
    this.#fcntl = define("int fcntl(int fd, int command, long argument)");
    this.#ioctl = define("int ioctl(int fd, unsigned long request, long argument)");
    const { struct, pointer, inout } = native;
    const address = struct({ family: "uint16_t", path: native.array("char", SUN_PATH) });
    this.#bind = libc.func("bind", "int", ["int", pointer(address), "uint32_t"]) as unknown as Call;
    const size = struct({ rows: "uint16_t", columns: "uint16_t", x: "uint16_t", y: "uint16_t" });
    const sizeArgs = ["int", "unsigned long", pointer(size)];
    this.#ioctlSize = libc.func("ioctl", "int", sizeArgs) as unknown as Call;
    const vector = struct({ base: "void *", length: "size_t" });
    const message = struct({
      name: "void *",
      nameLength: "uint32_t",
      vectors: pointer(vector),
      vectorCount: "size_t",
      control: "void *",
      controlLength: "size_t",
      flags: "int",
    });
    const messageArgs = ["int", inout(pointer(message)), "int"];
    this.#recvmsg = libc.func("recvmsg", "long", messageArgs) as unknown as Call;
  }

  pipe(): Pipe {
    const fds = [0, 0];
    this.#check(this.#pipe2(fds, O_CLOEXEC), "make a pipe");
    const [read = -1, write = -1] = fds;
    return { read, write };
  }

  isAtEnd(pipe: number): boolean {
    this.#poll ??= this.#define("int poll(void *fds, unsigned long count, int timeout)");
    // A `struct pollfd`: the descriptor, and in two halves which events are wanted and have come.
    const pollfd = new Int32Array([pipe, POLLIN]);
    this.#check(this.#poll(pollfd, 1, 0), `ask whether descriptor ${pipe} is at its end`);
    return (pollfd[1] ?? 0) >> 16 === POLLHUP;
  }

  listenUnix(path: string): number {
    const length = Buffer.byteLength(path);
    if (length >= SUN_PATH) {
      throw new StatusError(StatusCode.invalidArgument, `${path}: too long for a socket's path`);
    }
    const fd = this.#check(this.#socket(AF_UNIX, SOCK_STREAM | O_NONBLOCK | O_CLOEXEC, 0), "make a socket");
    try {
      // Of the path with its zero, after the two bytes of the family.
      this.#check(this.#bind(fd, { family: AF_UNIX, path }, 2 + length + 1), `bind ${path}`);
      this.#check(this.#listen(fd, 1), `listen at ${path}`);
      return fd;
    } catch (err) {
      this.#close(fd);
      throw err;
    }
  }

  accept(socket: number): number | undefined {
    return this.#unlessEmpty(this.#accept4(socket, null, null, O_NONBLOCK | O_CLOEXEC), "accept");
  }

  receiveDescriptor(connection: number): number | undefined {
    const control = new Int32Array(CONTROL_BYTES / 4);
    const name = Buffer.alloc(NAME_BYTES);
    const message = {
      name: null,
      nameLength: 0,
      vectors: [{ base: name, length: name.length }],
      vectorCount: 1,
      control: Buffer.from(control.buffer),
      controlLength: CONTROL_BYTES,
      flags: 0,
    };
    const received = this.#recvmsg(connection, message, MSG_CMSG_CLOEXEC);
    if (this.#unlessEmpty(received, "receive a descriptor") === undefined) return undefined;
    const [, , level, type, fd] = control;
    if (level === SOL_SOCKET && type === SCM_RIGHTS && fd !== undefined) return fd;
    throw new StatusError(StatusCode.unavailable, "receive a descriptor: the peer sent none");
  }

  setWindowSize(master: number, { rows, columns }: WindowSize): void {
    const size = { rows, columns, x: 0, y: 0 };
    this.#check(
      this.#ioctlSize(master, TIOCSWINSZ, size),
      `set the size of a terminal to ${columns}x${rows}`,
    );
  }

  openPeer(master: number): number {
    const flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
    return this.#check(this.#ioctl(master, TIOCGPTPEER, flags), "open the terminal of a master");
  }

  duplicate(fd: number): number {
    return this.#check(this.#fcntl(fd, F_DUPFD_CLOEXEC, 0), `duplicate descriptor ${fd}`);
  }

  setNonBlocking(fd: number): void {
    const flags = this.#check(this.#fcntl(fd, F_GETFL, 0), `read the flags of descriptor ${fd}`);
    this.#check(this.#fcntl(fd, F_SETFL, flags | O_NONBLOCK), `set the flags of descriptor ${fd}`);
  }

  /** Undefined where the call says that there is nothing yet. */
  #unlessEmpty(result: number, what: string): number | undefined {
    if (result < 0 && errnoName(this.#native.errno()) === "EAGAIN") return undefined;
    return this.#check(result, what);
  }

  #check(result: number, what: string): number {
    if (result < 0) throw errnoError(what, this.#native.errno());
    return result;
  }
}

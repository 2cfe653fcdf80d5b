/** The two ends of a pipe. */
export interface Pipe {
  readonly read: number;
  readonly write: number;
}

/** The size of a terminal, in characters. */
export interface WindowSize {
  readonly columns: number;
  readonly rows: number;
}

/**
 * The kernel's calls about terminals, sockets and pipes: the part of {@link Libc} that processes' streams need.
 * None of them waits, and every descriptor they give is close-on-exec.
 */
export interface StreamCalls {
  /** pipe2(2). Both ends block, as programs expect of theirs. */
  pipe(): Pipe;
  /** poll(2): whether a pipe is empty and nobody has it open to write any more, so that who reads it meets its end. */
  isAtEnd(pipe: number): boolean;
  /** A unix socket that listens at a path, at most 107 bytes long; does not block. */
  listenUnix(path: string): number;
  /** accept4(2): the next connection, which does not block; undefined while there is none. */
  accept(socket: number): number | undefined;
  /**
   * recvmsg(2): the one descriptor that comes with the next bytes; undefined while nothing has come. A peer that
   * sends anything else, or goes without sending, is `unavailable`.
   */
  receiveDescriptor(connection: number): number | undefined;
  /** Sets a terminal's size (ioctl TIOCSWINSZ) by its master; its foreground processes are told by SIGWINCH. */
  setWindowSize(master: number, size: WindowSize): void;
  /** Opens the terminal of a master (ioctl TIOCGPTPEER), in whatever mount namespace it is. */
  openPeer(master: number): number;
  /** fcntl(2), F_DUPFD_CLOEXEC: another descriptor of the same open file, which each close leaves to the other. */
  duplicate(fd: number): number;
  /** fcntl(2): from now on no read or write of this open file blocks. */
  setNonBlocking(fd: number): void;
}

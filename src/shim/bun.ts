/**
 * The parts of Bun that the way to the first answer uses in place of `node:` modules. The runtime has them at hand,
 * while it reads and runs a module's JavaScript when it is first imported (measured in a compiled program: node:net
 * 3.8 ms, node:crypto 3.6, node:child_process 2.2 with its first spawn; what is used here together 0.6).
 */
export interface BunRuntime {
  /** Listens on a unix socket's path; throws where that is not possible, with the errno's name as `code`. */
  listen(options: { readonly unix: string; readonly socket: SocketEvents }): BunListener;
  /** Connects to a unix socket's path. Rejects where nobody listens. */
  connect(options: { readonly unix: string; readonly socket: SocketEvents }): Promise<BunSocket>;
  /** Starts a program; throws where that is not possible. */
  spawn(command: readonly string[], options: SpawnOptions): BunProcess;
  /** An inherited or opened descriptor as a file. */
  file(fd: number): { text(): Promise<string> };
  /** Collects garbage, drops what was made of code that is not running, and gives memory back to the kernel, soon. */
  shrink(): void;
  readonly CryptoHasher: new (
    algorithm: "sha256",
  ) => { update(text: string): { digest(encoding: "hex"): string } };
}

/** A socket that listens. */
export interface BunListener {
  readonly fd: number;
  /** Closes it, and removes the path that it was given. */
  stop(): void;
}

/** A connection. */
export interface BunSocket {
  end(): void;
}

interface SpawnOptions {
  /** In a session of its own. */
  readonly detached: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What each descriptor of the program is; a number is one of ours. */
  readonly stdio: readonly ("ignore" | "pipe" | number)[];
}

/** A program that was started. */
export interface BunProcess {
  readonly pid: number;
  /** Our ends of its pipes, by its descriptors from 3 on. */
  readonly stdio: readonly (number | null)[];
  kill(signal: "SIGKILL"): void;
  unref(): void;
}

/** What a socket reports; the runtime insists on one of them. */
interface SocketEvents {
  readonly data: () => void;
}

/** The runtime that this program is compiled for. */
export const bun: BunRuntime = (globalThis as unknown as { Bun: BunRuntime }).Bun;

/**
 * The parts of Bun that the way to the first answer uses in place of `node:` modules. The runtime has them at hand,
 * while it reads and runs a module's JavaScript when it is first imported (measured in a compiled program: node:net
 * 3.8 ms, node:crypto 3.6, node:child_process 2.2 with its first spawn; what is used here together 0.6).
 */
export interface BunRuntime {
  /** Listens on a unix socket's path; throws where that is not possible, with the errno's name as `code`. */
  listen<T>(options: { readonly unix: string; readonly socket: SocketEvents<T> }): BunListener;
  /** Connects to a unix socket's path. Rejects where nobody listens. */
  connect<T>(options: { readonly unix: string; readonly socket: SocketEvents<T> }): Promise<BunSocket<T>>;
  /** Starts a program; throws where that is not possible. */
  spawn(command: readonly string[], options: SpawnOptions): BunProcess;
  /** An inherited or opened descriptor as a file. */
  file(fd: number): { text(): Promise<string> };
  /** Collects garbage, drops what was made of code that is not running, and gives memory back to the kernel, soon. */
  shrink(): void;
}

/** A socket that listens. */
export interface BunListener {
  /** Closes it, and removes the path that it was given. */
  stop(): void;
}

/** A connection, with what its user keeps with it. */
export interface BunSocket<T> {
  data: T;
  readonly fd: number;
  /** How many bytes the kernel has taken; -1 where it is closed. After fewer than all comes a `drain`. */
  write(bytes: Uint8Array): number;
  /** Closes it. */
  end(): void;
  /** Closes it without telling the peer that it was in order. */
  terminate(): void;
  pause(): void;
  resume(): void;
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
export interface SocketEvents<T> {
  readonly open?: (socket: BunSocket<T>) => void;
  readonly data: (socket: BunSocket<T>, chunk: Uint8Array) => void;
  readonly drain?: (socket: BunSocket<T>) => void;
  /** The peer writes no more. */
  readonly end?: (socket: BunSocket<T>) => void;
  readonly close?: (socket: BunSocket<T>) => void;
  readonly error?: (socket: BunSocket<T>, err: Error) => void;
}

/** The runtime that this program is compiled for. */
export const bun: BunRuntime = (globalThis as unknown as { Bun: BunRuntime }).Bun;

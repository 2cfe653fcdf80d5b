import fs from "node:fs";
import type { Duplex } from "node:stream";
import { StatusCode, StatusError } from "../base/status.ts";
import { type BunSocket, bun, type SocketEvents } from "./bun.ts";
import { DescriptorSocket } from "./descriptor-socket.ts";

/** What a stream tells, by the names that streams of Node have for it. */
type StreamEvent = "data" | "drain" | "end" | "close" | "error";

type Listener = (argument?: unknown) => void;

/**
 * A socket as what a ttrpc connection uses of a stream of Node: those themselves, and node:net, are a third of a
 * megabyte that an idle shim would hold and 4 ms of the way to its first answer.
 */
class SocketStream {
  #socket: BunSocket<SocketStream>;
  readonly #listeners = new Map<StreamEvent, Listener[]>();
  /** What the kernel has not taken yet. */
  #unwritten: Uint8Array[] = [];
  #whenWritten: (() => void) | undefined;
  #isPaused = false;
  writableLength = 0;
  destroyed = false;

  constructor(socket: BunSocket<SocketStream>) {
    this.#socket = socket;
  }

  /** Goes on over a descriptor of the same connection, unless something waits to be written: whether it does. */
  settle(duplicate: (fd: number) => number): boolean {
    const former = this.#socket;
    if (this.destroyed || this.writableNeedDrain) return this.destroyed;
    const fd = duplicate(former.fd);
    try {
      this.#socket = new DescriptorSocket(fd, this, reports);
    } catch (err) {
      fs.closeSync(fd);
      throw err;
    }
    if (this.#isPaused) this.#socket.pause();
    former.terminate();
    return true;
  }

  get writableNeedDrain(): boolean {
    return this.#unwritten.length > 0;
  }

  on(event: StreamEvent, listener: Listener): this {
    const listeners = this.#listeners.get(event) ?? [];
    this.#listeners.set(event, [...listeners, listener]);
    return this;
  }

  /** To be told of what the socket reports. */
  emit(event: StreamEvent, argument?: unknown): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(argument);
  }

  write(bytes: Uint8Array): boolean {
    this.#unwritten.push(bytes);
    this.writableLength += bytes.length;
    // What was written before comes first.
    if (this.#unwritten.length === 1) this.#flush();
    return !this.writableNeedDrain;
  }

  /** To be told that the kernel takes bytes again. */
  drained(): void {
    this.#flush();
    if (this.writableNeedDrain) return;
    this.emit("drain");
    this.#whenWritten?.();
  }

  /** Closes it when all is written; `done` is called then. */
  end(done: () => void): void {
    this.#whenWritten = () => {
      this.#whenWritten = undefined;
      this.#socket.end();
      done();
    };
    if (!this.writableNeedDrain) this.#whenWritten();
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#unwritten = [];
    this.writableLength = 0;
    this.#socket.terminate();
  }

  /** To be told that a socket has closed: one that it goes on without is no news. */
  closed(socket: BunSocket<SocketStream>): void {
    if (socket !== this.#socket) return;
    awake.delete(this);
    this.destroyed = true;
    this.emit("close");
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket.resume();
  }

  #broken(): void {
    if (!this.destroyed) this.emit("error", new Error("the peer reads no more"));
  }

  #flush(): void {
    for (let [next] = this.#unwritten; next !== undefined; [next] = this.#unwritten) {
      const taken = this.#socket.write(next);
      // Nothing tells of it later where the reading is paused.
      if (taken < 0) {
        queueMicrotask(() => this.#broken());
        return;
      }
      this.writableLength -= taken;
      if (taken < next.length) {
        this.#unwritten[0] = next.subarray(taken);
        return;
      }
      this.#unwritten.shift();
    }
  }
}

const reports: SocketEvents<SocketStream> = {
  data: ({ data }, chunk) => data.emit("data", chunk),
  drain: ({ data }) => data.drained(),
  end: ({ data }) => data.emit("end"),
  close: (socket) => socket.data.closed(socket),
  error: ({ data }, err) => data.emit("error", err),
};

/** The streams over sockets of the runtime's own. */
const awake = new Set<SocketStream>();
let onAwake: (() => void) | undefined;

/**
 * Whether there are connections because of which this process wakes once a second: as long as it has one, the runtime
 * keeps the date for the answers of a web server.
 */
export function areAwake(): boolean {
  return awake.size > 0;
}

/** Has each further one of them told, to one at a time; undefined for nobody. */
export function tellAwake(tell: (() => void) | undefined): void {
  onAwake = tell;
}

/**
 * Has connections go on without the runtime's sockets, so that this process sleeps while nobody calls (measured: 18 ms of
 * processor time a minute). A call takes some 10 µs more then, of a thousand. One that has to write yet, or of which there
 * can be no other descriptor, goes on as it was; the first of these errors is thrown.
 *
 * @param duplicate makes another descriptor of an open one
 */
export function settleStreams(duplicate: (fd: number) => number): void {
  const errors: unknown[] = [];
  for (const stream of awake) {
    try {
      if (stream.settle(duplicate)) awake.delete(stream);
    } catch (err) {
      errors.push(err);
    }
  }
  if (errors.length > 0) throw errors[0];
}

/** What hands each connection that a listener takes on as a stream. */
export function streamsTo(onStream: (stream: Duplex) => void): SocketEvents<SocketStream> {
  return { ...reports, open: (made) => onStream(adopt(made)) };
}

/** Connects to a unix socket's path; an abstract one begins with a zero. `unavailable` where nobody listens. */
export async function connectTo(unix: string): Promise<Duplex> {
  try {
    return adopt(await bun.connect<SocketStream>({ unix, socket: reports }));
  } catch (err) {
    const { message } = StatusError.from(err);
    throw new StatusError(StatusCode.unavailable, `connect to ${unix}: ${message}`, { cause: err });
  }
}

/** All that ttrpc uses of a Duplex is there. */
function adopt(socket: BunSocket<SocketStream>): Duplex {
  const stream = new SocketStream(socket);
  socket.data = stream;
  awake.add(stream);
  onAwake?.();
  return stream as unknown as Duplex;
}

import { StatusCode, StatusError } from "../../base/status.ts";
import type { BunSocket, SocketEvents } from "../bun.ts";

/** The longest line. An order has some hundred bytes. */
export const MAX_LINE_BYTES = 4096;

const NEWLINE = 10;

/** A connection on which both sides say a line in turn. */
export class Lines {
  readonly #socket: BunSocket<Lines>;
  #heard: Uint8Array = new Uint8Array();
  #isOver = false;
  #wake = () => {};

  constructor(socket: BunSocket<Lines>) {
    this.#socket = socket;
  }

  /** Says a line; `unavailable` where nobody can hear it any more. */
  say(line: string): void {
    const bytes = Buffer.from(`${line}\n`);
    // The kernel takes so few bytes at once, or none.
    if (!this.#isOver && this.#socket.write(bytes) === bytes.length) return;
    this.#isOver = true;
    throw new StatusError(StatusCode.unavailable, "the other side has gone");
  }

  /** The next line; undefined where the other side has said its last, or says more than a line may have. */
  async hear(): Promise<string | undefined> {
    for (;;) {
      const end = this.#heard.indexOf(NEWLINE);
      if (end >= 0) {
        const line = this.#heard.subarray(0, end);
        this.#heard = this.#heard.subarray(end + 1);
        return Buffer.from(line).toString("utf8");
      }
      if (this.#isOver) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Whether nothing can be said any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Hangs up; repeatable. */
  end(): void {
    this.over();
    this.#socket.end();
  }

  /** To be told of what has come. */
  received(chunk: Uint8Array): void {
    this.#heard = Buffer.concat([this.#heard, chunk]);
    if (this.#heard.length > MAX_LINE_BYTES) this.end();
    this.#wake();
  }

  /** To be told that the other side has hung up. */
  over(): void {
    this.#isOver = true;
    this.#wake();
  }
}

/** What hands each connection that is made on as lines. */
export function linesTo(onLines: (lines: Lines) => void = () => {}): SocketEvents<Lines> {
  return {
    open: (socket) => {
      socket.data = new Lines(socket);
      onLines(socket.data);
    },
    data: ({ data }, chunk) => data.received(chunk),
    end: ({ data }) => data.end(),
    close: ({ data }) => data.over(),
    error: ({ data }) => data.over(),
  };
}

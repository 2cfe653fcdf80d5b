import http from "node:http";
import https from "node:https";
import { abortable, deadline } from "../../base/deadline.ts";
import { StatusCode, StatusError } from "../../base/status.ts";
import { fromHttp, headersTooLarge, PassingError } from "./http-error.ts";

/** Signed addresses of blobs and long tokens fit in several times; node takes no more by itself. */
const MAX_HEADER_BYTES = 16 << 10;

/** One request to one server. */
export interface Request {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** A form to post; the request is a GET where it is missing. */
  readonly form?: URLSearchParams;
}

/** What holds for a request until the last byte of its answer. */
export interface Patience {
  readonly stallMs: number;
  readonly signal: AbortSignal;
  /** Hears that the request has given no byte for `stallMs`, before it is closed. */
  readonly onStall?: (() => void) | undefined;
}

/**
 * A request and its answer. Its clock runs only while a byte is waited for: one that has ended, or whose reader is
 * busy with what came, is never stalled. Whoever opened it closes it.
 */
export class Exchange {
  readonly #request: Request;
  readonly #patience: Patience;
  #sent: http.ClientRequest | undefined;
  #response: http.IncomingMessage | undefined;

  private constructor(request: Request, patience: Patience) {
    this.#request = request;
    this.#patience = patience;
  }

  /** Sends a request and waits for the headers of the answer, whatever its status is. */
  static async open(request: Request, patience: Patience): Promise<Exchange> {
    const exchange = new Exchange(request, patience);
    try {
      await exchange.#open();
      return exchange;
    } catch (thrown) {
      exchange.close();
      throw thrown;
    }
  }

  get url(): URL {
    return this.#request.url;
  }

  get status(): number {
    return this.#response?.statusCode ?? 0;
  }

  header(name: string): string | undefined {
    const value = this.#response?.headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  /** How many bytes the body has, if the server says it. */
  get length(): number | undefined {
    const text = this.header("content-length") ?? "";
    return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  }

  /** The bytes of the body as they come. The connection is closed when the last one has. */
  async *chunks(): AsyncGenerator<Uint8Array> {
    if (this.#response === undefined) return;
    const iterator = this.#response[Symbol.asyncIterator]();
    let count = 0;
    try {
      for (;;) {
        const { done, value } = await this.#whileOpen(iterator.next());
        if (done) break;
        count += value.length;
        yield value;
      }
      // Not every runtime tells a body that was cut off from one that has ended.
      if (count < (this.length ?? 0))
        throw new PassingError(`the connection to registry ${this.url.host} broke`);
    } finally {
      this.close();
    }
  }

  /** The whole body; `failedPrecondition` beyond `maxBytes`, naming `what` it is. */
  async body(maxBytes: number, what: string): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of this.chunks()) {
      chunks.push(chunk);
      length += chunk.length;
      if (length <= maxBytes) continue;
      const told = `registry ${this.url.host} has more than ${maxBytes} bytes for ${what}`;
      throw new StatusError(StatusCode.failedPrecondition, told);
    }
    return Buffer.concat(chunks);
  }

  /** Closes the connection, wherever the exchange stands. Repeatable. */
  close(): void {
    this.#response?.destroy();
    this.#sent?.destroy();
  }

  async #open(): Promise<void> {
    this.#patience.signal.throwIfAborted();
    const { url } = this.#request;
    const response = await this.#whileOpen(this.#send());
    this.#response = response;
    // Broken connections are told to who reads; nobody may.
    response.on("error", () => {});
    const length = response.rawHeaders.reduce((sum, text) => sum + text.length, 0);
    if (length > MAX_HEADER_BYTES) throw headersTooLarge(url.host);
  }

  #send(): Promise<http.IncomingMessage> {
    const { url, headers, form } = this.#request;
    // A connection that is used once is closed at its end, and none is left behind to a server that has gone.
    const own = { connection: "close", "accept-encoding": "identity" };
    const type = form && { "content-type": "application/x-www-form-urlencoded" };
    const options = {
      method: form === undefined ? "GET" : "POST",
      headers: { ...headers, ...own, ...type },
      agent: false,
      maxHeaderSize: MAX_HEADER_BYTES,
    } as const;
    return new Promise((resolve, reject) => {
      const sent = (url.protocol === "https:" ? https : http).request(url, options, resolve);
      this.#sent = sent.on("error", reject);
      sent.end(form?.toString());
    });
  }

  /** Waits for something of the server, no longer than a stall takes. */
  async #whileOpen<T>(promise: Promise<T>): Promise<T> {
    const { stallMs, signal, onStall } = this.#patience;
    const stall = deadline(stallMs, "a byte", signal);
    try {
      return await abortable(promise, stall.signal);
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      if (!stall.signal.aborted) throw fromHttp(thrown, this.url.host);
      onStall?.();
      throw new PassingError(`registry ${this.url.host} gave no byte for ${stallMs} ms`);
    } finally {
      stall.cleanup();
    }
  }
}

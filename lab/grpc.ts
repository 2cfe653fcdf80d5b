import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import net from "node:net";

/** The longest that a call may take where nobody says otherwise; less than the longest that a test may. */
const TIMEOUT_MS = 60_000;
/** In front of every message: a byte that says whether it is compressed, and its length. */
const PREFIX_BYTES = 5;

/** Calls without streams to a gRPC server that listens on a Unix socket (grpc/doc/PROTOCOL-HTTP2.md). */
export class GrpcConnection {
  readonly #session: ClientHttp2Session;
  readonly #headers: Readonly<Record<string, string>>;

  /** Connects when the first call is made; all calls have the headers. */
  constructor(socket: string, headers: Readonly<Record<string, string>> = {}) {
    this.#headers = headers;
    this.#session = connect("http://localhost", { createConnection: () => net.connect(socket) });
    // The calls that a broken connection ends say so.
    this.#session.on("error", () => {});
  }

  /** Sends one message and returns the answer's; rejects with the server's words, or when time is up. */
  async call(method: string, request: Uint8Array, timeoutMs = TIMEOUT_MS): Promise<Uint8Array> {
    const stream = this.#session.request({
      ...this.#headers,
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: method,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
      [constants.HTTP2_HEADER_TE]: "trailers",
    });
    const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), timeoutMs);
    try {
      stream.end(frame(request));
      return await answer(stream, method);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the connection, and every call on it. */
  close(): void {
    this.#session.destroy();
  }
}

function frame(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function answer(stream: ClientHttp2Stream, method: string): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let status: string | undefined;
  let words = "";
  const read = (headers: NodeJS.Dict<unknown>) => {
    // A failed call may have its status in the headers, without any trailers.
    if (headers["grpc-status"] === undefined) return;
    status = String(headers["grpc-status"]);
    words = decodeURIComponent(String(headers["grpc-message"] ?? ""));
  };
  return new Promise((resolve, reject) => {
    stream.on("response", read);
    stream.on("trailers", read);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", reject);
    stream.on("close", () => {
      if (status === "0") resolve(Buffer.concat(chunks).subarray(PREFIX_BYTES));
      else reject(new Error(`${method}: ${status === undefined ? "no answer" : `code ${status}: ${words}`}`));
    });
  });
}

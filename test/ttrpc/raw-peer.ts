import { once } from "node:events";
import type { Duplex } from "node:stream";
import { ttrpc } from "../../src/proto/index.ts";
import { encodeFrame, type Frame, FrameDecoder, FrameType } from "../../src/ttrpc/frame.ts";
import { settle } from "./echo-service.ts";

/** A frame as tests write it: what is left out is empty. */
export type Sent = Partial<Omit<Frame, "data">> & { readonly data?: Uint8Array | string };

/** What came, with the response read. */
export interface Received {
  readonly streamId: number;
  readonly type: number;
  readonly flags: number;
  readonly code: number;
  readonly message: string;
  /** The payload of a response, the data of a data frame, as text. */
  readonly text: string;
}

/** The other end of a connection, in single frames and bytes: it follows no rule that it is not told to. */
export class RawPeer {
  readonly stream: Duplex;
  readonly received: Received[] = [];
  readonly requests: ttrpc.Request[] = [];
  readonly bytes: Buffer[] = [];
  readonly #decoder = new FrameDecoder();

  constructor(stream: Duplex) {
    this.stream = stream;
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => {
      this.bytes.push(chunk);
      for (const frame of this.#decoder.push(chunk)) if ("data" in frame) this.#take(frame);
    });
  }

  /** Writes frames, all in one chunk. */
  send(...frames: readonly Sent[]): void {
    this.stream.write(Buffer.concat(frames.map(toBytes)));
  }

  /** The next `count` frames after those that were taken already. */
  async take(count: number): Promise<Received[]> {
    while (this.received.length < count) await once(this.stream, "data");
    return this.received.splice(0, count);
  }

  /** Everything that has come once nothing more is under way in memory. */
  async all(): Promise<Received[]> {
    await settle();
    return this.received.splice(0);
  }

  #take({ streamId, type, flags, data }: Frame): void {
    if (type === FrameType.request) this.requests.push(ttrpc.Request.decode(data) as ttrpc.Request);
    const response = type === FrameType.response ? ttrpc.Response.decode(data) : { payload: data };
    const status = "status" in response ? response.status : undefined;
    const text = Buffer.from(response.payload ?? []).toString();
    this.received.push({
      streamId,
      type,
      flags,
      code: status?.code ?? 0,
      message: status?.message ?? "",
      text,
    });
  }
}

/** The bytes of a frame; its data may be given as text. */
export function toBytes({ streamId = 1, type = FrameType.data, flags = 0, data = "" }: Sent): Uint8Array {
  const bytes = typeof data === "string" ? new Uint8Array(Buffer.from(data)) : data;
  return encodeFrame({ streamId, type, flags, data: bytes });
}

/** A request frame for a method of the echo service. */
export function request(
  streamId: number,
  method: string,
  rest: { readonly flags?: number; readonly payload?: string; readonly timeoutNano?: number } = {},
): Sent {
  const { flags = 0, payload = "", ...more } = rest;
  const message = { service: "test.Echo", method, payload: new Uint8Array(Buffer.from(payload)), ...more };
  return { streamId, type: FrameType.request, flags, data: ttrpc.Request.encode(message).finish() };
}

/** A response frame. */
export function response(streamId: number, answer: { text?: string; code?: number; message?: string }): Sent {
  const { text = "", code = 0, message = "" } = answer;
  const status = code === 0 ? {} : { status: { code, message } };
  const data = ttrpc.Response.encode({ ...status, payload: new Uint8Array(Buffer.from(text)) }).finish();
  return { streamId, type: FrameType.response, data };
}

import { StatusCode, StatusError } from "../../base/status.ts";
import type { Descriptor } from "../descriptor.ts";
import type { Exchange } from "./exchange.ts";
import { fromAnswer, PassingError } from "./http-error.ts";
import { Retry } from "./retry.ts";
import type { RegistryLimits } from "./settings.ts";

/** Who reads a blob, and hears what happens on the way. */
export interface BlobReading {
  readonly limits: RegistryLimits;
  readonly signal: AbortSignal;
  readonly onRetry?: ((failure: StatusError) => void) | undefined;
}

/** Sends a request for a blob with these headers, whatever the answer is. */
export type OpenBlob = (headers: Readonly<Record<string, string>>) => Promise<Exchange>;

/**
 * What a blob must have got on by for its broken connections to be forgotten: a connection that breaks now and then is
 * no reason to give up on a large blob, one that brings nothing is.
 */
const PROGRESS_BYTES = 1 << 20;

/**
 * The bytes of a blob from an offset on, over as many connections as it takes. A server that cannot begin in the
 * middle is heard from the beginning. `dataLoss` where the server has a blob of another size.
 */
export async function* readBlob(
  blob: Descriptor,
  offset: number,
  open: OpenBlob,
  { limits, signal, onRetry }: BlobReading,
): AsyncGenerator<Uint8Array> {
  const retry = new Retry(limits, signal, onRetry);
  for (let at = offset, failedAt = offset; at < blob.size; ) {
    try {
      for await (const chunk of partFrom(at, blob, open)) {
        at += chunk.length;
        yield chunk;
      }
    } catch (thrown) {
      if (at - failedAt >= PROGRESS_BYTES) retry.forget();
      failedAt = at;
      await retry.after(thrown);
    }
  }
}

/** What one request gives, without what is before the offset; broken where that is not all. */
async function* partFrom(at: number, blob: Descriptor, open: OpenBlob): AsyncGenerator<Uint8Array> {
  const exchange = await openFrom(at, blob, open);
  try {
    let skip = startOf(exchange, at, blob);
    const left = blob.size - skip;
    let count = 0;
    for await (const chunk of exchange.chunks()) {
      count += chunk.length;
      if (count > left) throw wrongSize(exchange, blob, "more than");
      const dropped = Math.min(at - skip, chunk.length);
      skip += dropped;
      if (dropped < chunk.length) yield chunk.subarray(dropped);
    }
    if (count < left) throw new PassingError(`registry ${exchange.url.host} gave only part of ${what(blob)}`);
  } finally {
    exchange.close();
  }
}

/** Asks for a blob from the offset on, or all of it where the server has nothing there. */
async function openFrom(at: number, blob: Descriptor, open: OpenBlob): Promise<Exchange> {
  if (at === 0) return await open({});
  const exchange = await open({ range: `bytes=${at}-` });
  if (exchange.status !== 416) return exchange;
  exchange.close();
  const size = /^bytes \*\/(\d+)$/.exec(exchange.header("content-range") ?? "")?.[1];
  if (size !== undefined && Number(size) !== blob.size) throw wrongSize(exchange, blob, size);
  return await open({});
}

/** Where the body of an answer begins in the blob. */
function startOf(exchange: Exchange, at: number, blob: Descriptor): number {
  const { status, length, url } = exchange;
  if (status !== 200 && status !== 206) throw fromAnswer(status, url.host, what(blob));
  const start = status === 200 ? 0 : rangeStart(exchange, at, blob);
  if (length !== undefined && length !== blob.size - start) {
    throw wrongSize(exchange, blob, String(start + length));
  }
  return start;
}

function rangeStart(exchange: Exchange, at: number, blob: Descriptor): number {
  const range = exchange.header("content-range") ?? "";
  const [, start, size] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range) ?? [];
  if (size !== undefined && size !== "*" && Number(size) !== blob.size) throw wrongSize(exchange, blob, size);
  if (Number(start) === at) return at;
  const told = `registry ${exchange.url.host} answers with another part of ${what(blob)} than was asked for`;
  throw new StatusError(StatusCode.failedPrecondition, told);
}

function wrongSize({ url }: Exchange, blob: Descriptor, found: string): StatusError {
  const size =
    found === "more than" ? `more than the ${blob.size} bytes` : `${found} bytes, not the ${blob.size}`;
  return new StatusError(
    StatusCode.dataLoss,
    `registry ${url.host} has ${size} that ${what(blob)} is to have`,
  );
}

function what({ digest }: Descriptor): string {
  return `blob ${digest}`;
}

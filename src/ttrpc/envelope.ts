/**
 * Writes the two messages that wrap those of a call, `Request` and `Response` (proto/ttrpc/request.proto), with room
 * before them for a frame's header. The bytes are those of the generated code, which is left to write what is rare;
 * what each call has is written by hand, as that needs no second copy of the payload and no list of what is to be
 * written: of 64 bytes in a quarter of the time, of 64 KiB in half of it. To read them by hand would gain nothing.
 */
import { type google, ttrpc } from "../proto/index.ts";
import { HEADER_LENGTH, withHeaderRoom } from "./frame.ts";

/** The tags of the payloads: the numbers of the fields times 8, and 2 for a value that has a length. */
const Tag = { request: 0x1a, response: 0x12 } as const;

const NOTHING = new Uint8Array(0);

/** What is in a request beside the names and the payload. */
export type RequestExtras = Pick<ttrpc.Request.$Properties, "timeoutNano" | "metadata">;

/** The names of a method as they begin each of its requests. */
export function encodeNames(service: string, method: string): Uint8Array {
  return ttrpc.Request.encode({ service, method }).finish();
}

/** A request, with room for a header. */
export function encodeRequest(names: Uint8Array, payload: Uint8Array, extras?: RequestExtras): Uint8Array {
  const last = extras === undefined ? NOTHING : ttrpc.Request.encode(extras).finish();
  const bytes = withHeaderRoom(names.length + fieldLength(payload) + last.length);
  bytes.set(names, HEADER_LENGTH);
  const end = putField(bytes, HEADER_LENGTH + names.length, Tag.request, payload);
  bytes.set(last, end);
  return bytes;
}

/** The response of a call that has succeeded, with room for a header. */
export function encodeResponse(payload: Uint8Array): Uint8Array {
  const bytes = withHeaderRoom(fieldLength(payload));
  putField(bytes, HEADER_LENGTH, Tag.response, payload);
  return bytes;
}

/** The response of a call that has failed, with room for a header. */
export function encodeFailure(status: google.rpc.Status.$Properties): Uint8Array {
  const response = ttrpc.Response.encode({ status }).finish();
  const bytes = withHeaderRoom(response.length);
  bytes.set(response, HEADER_LENGTH);
  return bytes;
}

/** The bytes that a field takes whose tag takes one; an empty one is left out. */
function fieldLength({ length }: Uint8Array): number {
  return length === 0 ? 0 : 1 + varintLength(length) + length;
}

/** Writes a field and returns where it ends. */
function putField(bytes: Uint8Array, at: number, tag: number, value: Uint8Array): number {
  const { length } = value;
  if (length === 0) return at;
  bytes[at] = tag;
  let end = at + 1;
  let left = length;
  for (; left >= 0x80; left >>>= 7) bytes[end++] = left | 0x80;
  bytes[end++] = left;
  bytes.set(value, end);
  return end + length;
}

/** The bytes that a number takes. */
function varintLength(value: number): number {
  let length = 1;
  for (let left = value; left >= 0x80; left >>>= 7) length++;
  return length;
}

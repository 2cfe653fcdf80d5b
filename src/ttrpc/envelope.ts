/**
 * The two messages that wrap those of a call, `Request` and `Response` (proto/ttrpc/request.proto). What each call
 * has in them, names and payload, is written and read by hand here; what is rare is left to the generated code, and
 * so is whatever has another form than a peer usually gives it. The bytes are the same.
 */
import { type google, ttrpc } from "../proto/index.ts";
import { HEADER_LENGTH, withHeaderRoom } from "./frame.ts";

/** The tags of these fields: their numbers times 8, and 2 for a value that has a length. */
const Tag = { service: 0x0a, method: 0x12, requestPayload: 0x1a, responsePayload: 0x12 } as const;

const NOTHING = new Uint8Array(0);

/** What is in a request beside the names and the payload. */
export type RequestExtras = Pick<ttrpc.Request.$Properties, "timeoutNano" | "metadata">;

/** What a response says. */
export interface ReadResponse {
  readonly status?: google.rpc.Status.$Properties | null;
  readonly payload: Uint8Array;
}

/** The names of a method as they begin each of its requests. */
export function encodeNames(service: string, method: string): Uint8Array {
  return ttrpc.Request.encode({ service, method }).finish();
}

/** A request, with room for a frame's header before it. */
export function encodeRequest(names: Uint8Array, payload: Uint8Array, extras?: RequestExtras): Uint8Array {
  const last = extras === undefined ? NOTHING : ttrpc.Request.encode(extras).finish();
  const bytes = withHeaderRoom(names.length + fieldLength(payload) + last.length);
  bytes.set(names, HEADER_LENGTH);
  const end = putField(bytes, HEADER_LENGTH + names.length, Tag.requestPayload, payload);
  bytes.set(last, end);
  return bytes;
}

/** The response of a call that has succeeded, with room for a frame's header before it. */
export function encodeResponse(payload: Uint8Array): Uint8Array {
  const bytes = withHeaderRoom(fieldLength(payload));
  putField(bytes, HEADER_LENGTH, Tag.responsePayload, payload);
  return bytes;
}

/** The response of a call that has failed, with room for a frame's header before it. */
export function encodeFailure(status: google.rpc.Status.$Properties): Uint8Array {
  const response = ttrpc.Response.encode({ status }).finish();
  const bytes = withHeaderRoom(response.length);
  bytes.set(response, HEADER_LENGTH);
  return bytes;
}

/** Reads a response, whose payload is a view of the bytes; throws where they are malformed. */
export function decodeResponse(data: Uint8Array): ReadResponse {
  const payload = data[0] === Tag.responsePayload ? fieldValue(data, 0) : undefined;
  if (payload !== undefined && endOf(payload) === endOf(data)) return { payload };
  return ttrpc.Response.decode(data) as ttrpc.Response;
}

/** A request as a server reads it. */
export interface ReadRequest extends RequestExtras {
  readonly service: string;
  readonly method: string;
  readonly payload: Uint8Array;
}

/** Reads a request, whose payload is a view of the bytes; throws where they are malformed. */
export function decodeRequest(data: Uint8Array): ReadRequest {
  return ttrpc.Request.decode(data) as ttrpc.Request;
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

/** A view of the value of the field whose tag is at a place; undefined where it has not the usual form. */
function fieldValue(bytes: Uint8Array, at: number): Uint8Array | undefined {
  const length = getLength(bytes, at + 1);
  const start = at + 1 + varintLength(length);
  if (length < 0 || start + length > bytes.length) return undefined;
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, length);
}

/** The bytes that a number takes. */
function varintLength(value: number): number {
  let length = 1;
  for (let left = value; left >= 0x80; left >>>= 7) length++;
  return length;
}

/** The number at a place, -1 where it is cut off, longer than any in a frame, or not written in the shortest way. */
function getLength(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let i = 0; i < 4; i++) {
    const byte = bytes[at + i] ?? 0x80;
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return byte === 0 && i > 0 ? -1 : value;
  }
  return -1;
}

function endOf(bytes: Uint8Array): number {
  return bytes.byteOffset + bytes.length;
}

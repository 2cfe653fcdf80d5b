import type { google } from "../proto/index.ts";

/** A protobuf timestamp as a Date (to the millisecond); undefined where none was sent. */
export function toDate(timestamp: google.protobuf.ITimestamp | null | undefined): Date | undefined {
  if (timestamp === null || timestamp === undefined) return undefined;
  return new Date(Number(timestamp.seconds ?? 0) * 1000 + Math.floor((timestamp.nanos ?? 0) / 1e6));
}

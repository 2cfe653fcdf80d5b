import type { google } from "../proto/index.ts";

/** An instant as protobuf has it. */
export function timestamp(at: Date): google.protobuf.ITimestamp & { seconds: number; nanos: number } {
  const ms = at.getTime();
  const seconds = Math.floor(ms / 1_000);
  return { seconds, nanos: (ms - seconds * 1_000) * 1_000_000 };
}

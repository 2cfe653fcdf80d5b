/** What codec.ts measures, and how it is told. */
export const CODEC_TASKS = {
  encodeFrame: "write a frame of 64 bytes",
  encodeLargeFrame: "of 64 KiB",
  decodeFrame: "read a frame of 64 bytes",
  decodeLargeFrame: "of 64 KiB",
  encodeRequest: "write a request of 64 bytes",
  encodeRequestPlainly: "by generated code",
  decodeRequest: "read a request of 64 bytes",
  encodeResponse: "write a response of 64 bytes",
  encodeResponsePlainly: "by generated code",
  encodeLargeResponse: "write a response of 64 KiB",
  encodeLargeResponsePlainly: "by generated code",
  decodeResponse: "read a response of 64 bytes",
  call: "a whole call of 64 bytes, in memory",
  largeCall: "of 64 KiB",
} as const;

export type CodecTask = keyof typeof CODEC_TASKS;

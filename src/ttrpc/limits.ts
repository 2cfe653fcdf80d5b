/** What one connection may cost. The protocol has no flow control, so each bound has an outcome of its own. */
export interface Limits {
  /** Calls a server runs at once for one connection; one more is answered `resourceExhausted`. */
  readonly maxCalls: number;
  /**
   * Messages of one stream that wait to be read. When that many wait, or `maxUnreadBytes`, the connection stops
   * reading, which holds back the peer and with it every other stream; so only for `stallMs`.
   */
  readonly maxUnreadMessages: number;
  /** Bytes of one stream's messages that wait to be read; one message may pass it. */
  readonly maxUnreadBytes: number;
  /**
   * How long a connection waits for the reader of a full stream, in milliseconds. Past it the stream fails
   * with `resourceExhausted` and the others go on.
   */
  readonly stallMs: number;
  /** Bytes written and not yet taken by the peer past which nothing more is given to the socket. */
  readonly writeAheadBytes: number;
  /**
   * Bytes that may wait for a peer that does not read, beyond which a server closes the connection and a
   * client's call fails; both with `resourceExhausted`.
   */
  readonly maxUnwrittenBytes: number;
}

/** The limits of a connection that names none. */
export const defaultLimits: Limits = {
  maxCalls: 4_096,
  maxUnreadMessages: 1_024,
  maxUnreadBytes: 4 << 20,
  stallMs: 1_000,
  writeAheadBytes: 1 << 20,
  maxUnwrittenBytes: 64 << 20,
};

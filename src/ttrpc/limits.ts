/** What one connection may cost. The protocol has no flow control, so each bound has an outcome of its own. */
export interface Limits {
  /** Calls a server runs at once for one connection; one more is answered `resourceExhausted`. */
  readonly maxCalls: number;
  /** Bytes of the requests of these calls; one that would pass it is answered `resourceExhausted`. */
  readonly maxCallBytes: number;
  /** Pairs of metadata a server reads of a request; one with more is answered `resourceExhausted`. */
  readonly maxMetadata: number;
  /**
   * Messages of one stream that wait to be read. When that many wait, or `maxUnreadBytes`, the connection stops
   * reading, which holds back the peer and with it every other stream; so only for `stallMs` at a time.
   */
  readonly maxUnreadMessages: number;
  /** Bytes of one stream's messages that wait to be read; one message may pass it. */
  readonly maxUnreadBytes: number;
  /**
   * How long a connection waits for the reader of a full stream to take something, in milliseconds. Past it the stream
   * fails with `resourceExhausted` and the others go on.
   */
  readonly stallMs: number;
  /** Bytes written and not yet taken by the peer past which nothing more is given to the socket. */
  readonly writeAheadBytes: number;
  /**
   * Bytes that may wait for a peer that does not read. Past it a client's further calls fail with
   * `resourceExhausted`, and a server has patience for `unwrittenMs` only.
   */
  readonly maxUnwrittenBytes: number;
  /**
   * How long a client that is owed more than `maxUnwrittenBytes` may take nothing, in milliseconds. Past it the server
   * ends the connection with `resourceExhausted`. One that takes them is owed as much as its calls are answered with.
   */
  readonly unwrittenMs: number;
}

/** The limits of a connection that names none. */
export const defaultLimits: Limits = {
  maxCalls: 4_096,
  maxCallBytes: 256 << 20,
  maxMetadata: 1_000,
  maxUnreadMessages: 1_024,
  maxUnreadBytes: 4 << 20,
  stallMs: 1_000,
  writeAheadBytes: 1 << 20,
  maxUnwrittenBytes: 64 << 20,
  unwrittenMs: 10_000,
};

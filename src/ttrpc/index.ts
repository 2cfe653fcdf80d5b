/**
 * ttrpc (containerd's small RPC over unix sockets) for Node and Bun: client and server, unary calls and streams.
 *
 * The protocol has no flow control and no frame to cancel a call; `Limits` says how this library bounds what a
 * peer can cost, `CallOptions` what cancelling means.
 */
export { StatusCode, StatusError } from "../base/status.ts";
export { MAX_SOCKET_PATH, parseAddress, type SocketAddress } from "./address.ts";
export {
  type BidiStreamCall,
  type Client,
  type ClientMethod,
  type ClientStreamCall,
  createClient,
  type ServerMessages,
} from "./client.ts";
export {
  type CallOptions,
  type CallTarget,
  ClientConnection,
  type ClientOptions,
} from "./client-connection.ts";
export { type ConnectOptions, connect } from "./connect.ts";
export {
  encodeFrame,
  type Frame,
  FrameDecoder,
  FrameFlag,
  type FrameHeader,
  FrameType,
  MAX_DATA_LENGTH,
  type OversizedFrame,
} from "./frame.ts";
export type { CallContext, Handler, Handlers } from "./handlers.ts";
export { defaultLimits, type Limits } from "./limits.ts";
export type { Listener, ListenOptions } from "./listen.ts";
export { memoryPair } from "./memory-pair.ts";
export { Metadata, type MetadataInit } from "./metadata.ts";
export { Server, type ServerOptions } from "./server.ts";
export type { ServerConnection } from "./server-connection.ts";
export type {
  Codec,
  Decoded,
  Encodable,
  Incoming,
  MethodDescriptor,
  MethodKind,
  ServiceDescriptor,
} from "./service.ts";

/**
 * The messages and services that travel between containerd and a shim, generated from proto/: a namespace for each
 * package, of classes that encode and decode, and the descriptors that clients and servers of `ebb/ttrpc` are made of.
 */
export { type Exact, encodeExact } from "./exact.ts";
export { containerd, google, runtimeoptions, ttrpc } from "./generated/messages.js";
export { events, taskV2, taskV3 } from "./generated/services.ts";

/** The messages and services that travel between containerd and a shim, generated from proto/. */
export { type Exact, encodeExact } from "./exact.ts";
export { containerd, google, runtimeoptions, ttrpc } from "./generated/messages.js";
export { events, taskV2, taskV3 } from "./generated/services.ts";

/** What ebb's own processes say to each other, generated from proto/ebb/. The shim has no part in it. */
export { ebb } from "./generated/ebb-messages.js";
export { supervisor } from "./generated/ebb-services.ts";

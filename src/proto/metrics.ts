/** The figures of a container's control groups as they travel, apart from {@link file://./index.ts}: few need them. */
export { io } from "./generated/metrics-messages.js";

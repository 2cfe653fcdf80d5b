import { taskV2, taskV3 } from "../proto/index.ts";
import { type Client, type ClientConnection, createClient } from "../ttrpc/index.ts";

/** The task service of a shim: one function per method. Both versions have the same messages. */
export type TaskClient = Client<typeof taskV2>;

/** A client of the task service over a connection, for the version that the shim's `start` answered. */
export function createTaskClient(version: 2 | 3, connection: ClientConnection): TaskClient {
  return version === 3 ? createClient(taskV3, connection) : createClient(taskV2, connection);
}

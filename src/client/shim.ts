import { type ClientConnection, parseAddress } from "../ttrpc/index.ts";
import type { ShimLog } from "./shim-log.ts";
import type { StartAnswer } from "./start-answer.ts";
import { createTaskClient, type TaskClient } from "./task-client.ts";

/** A shim that serves, with a connection to it. */
export class Shim {
  readonly answer: StartAnswer;
  readonly task: TaskClient;
  readonly connection: ClientConnection;
  readonly #log: ShimLog;

  constructor(answer: StartAnswer, connection: ClientConnection, log: ShimLog) {
    this.answer = answer;
    this.connection = connection;
    this.task = createTaskClient(answer.version, connection);
    this.#log = log;
  }

  /** Where the shim's socket is; undefined for an abstract one, which has no file. */
  get socketPath(): string | undefined {
    return socketPathOf(this.answer);
  }

  /** Closes the connection and the log. The shim itself lives on until it is told to shut down. */
  async close(): Promise<void> {
    this.connection.close();
    await this.#log.close();
  }
}

/** Where the socket is that a shim has answered; undefined for an abstract one, which has no file. */
export function socketPathOf({ address }: StartAnswer): string | undefined {
  const parsed = parseAddress(address);
  return "path" in parsed ? parsed.path : undefined;
}

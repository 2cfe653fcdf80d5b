/** A server for tests: serves the echo service on the listening socket it has inherited as descriptor 3. */
import { Server } from "../../src/ttrpc/index.ts";
import { echo, echoHandlers } from "./echo-service.ts";

const server = new Server().register(echo, {
  ...echoHandlers,
  say: (word) => (word === "wait" ? new Promise<string>(() => {}) : word),
});
const { address } = await server.listen({ fd: 3 });
process.stdout.write(`${address}\n`);
process.once("SIGTERM", () => void server.shutdown());

import { events } from "ebb/proto";
import { Server } from "ebb/ttrpc";

// What shims tell their daemon of, here printed and nothing more.
const server = new Server().register(events, {
  forward: ({ envelope }) => {
    console.log(`${envelope?.namespace}: ${envelope?.topic}`);
    return {};
  },
});
await server.listen({ path: process.argv[2] ?? "/run/ebb-example.sock" });
process.once("SIGTERM", () => void server.shutdown());

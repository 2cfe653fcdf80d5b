/** A program that serves the echo on the socket it is given: says "ready", and serves until its stdin ends. */
import { Server } from "../../src/ttrpc/index.ts";
import { echo } from "./echo.ts";

const server = new Server().register(echo, { say: ({ value }) => ({ value }) });
await server.listen({ path: process.argv[2] ?? "" });
process.stdout.write("ready\n");
process.stdin.on("end", () => process.exit(0));
process.stdin.resume();

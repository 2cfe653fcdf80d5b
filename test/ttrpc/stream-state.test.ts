import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  clientTable,
  type StreamEvent,
  type StreamState,
  serverTable,
} from "../../src/ttrpc/stream-state.ts";

const tables = { client: clientTable, server: serverTable };
const states: readonly StreamState[] = ["unary", "open", "localClosed", "remoteClosed", "finished"];
const events: readonly StreamEvent[] = [
  "sendData",
  "sendClose",
  "sendResponse",
  "receiveData",
  "receiveClose",
  "receiveResponse",
];

/** The state after some events, or the first error. */
function walk(end: keyof typeof tables, from: StreamState, path: readonly StreamEvent[]): string {
  let state = from;
  for (const event of path) {
    const transition = tables[end][state][event];
    if ("error" in transition) return `${event}: ${transition.error}`;
    state = transition.next;
  }
  return state;
}

/** Whole conversations of PROTOCOL.md, from each end, and what breaks them. */
const walks: readonly (readonly [
  string,
  keyof typeof tables,
  StreamState,
  readonly StreamEvent[],
  string,
])[] = [
  ["a unary call", "client", "unary", ["receiveResponse"], "finished"],
  ["a unary call", "server", "unary", ["sendResponse"], "finished"],
  ["a server stream", "client", "localClosed", ["receiveData", "receiveData", "receiveClose"], "finished"],
  ["a server stream", "server", "remoteClosed", ["sendData", "sendData", "sendClose"], "finished"],
  ["a server stream that fails", "client", "localClosed", ["receiveData", "receiveResponse"], "finished"],
  ["a server stream that fails", "server", "remoteClosed", ["sendData", "sendResponse"], "finished"],
  ["a client stream", "client", "open", ["sendData", "sendData", "sendClose", "receiveResponse"], "finished"],
  ["a client stream", "server", "open", ["receiveData", "receiveClose", "sendResponse"], "finished"],
  ["an early answer", "client", "open", ["sendData", "receiveResponse"], "finished"],
  ["an early answer", "server", "open", ["receiveData", "sendResponse"], "finished"],
  [
    "a stream both ways",
    "client",
    "open",
    ["sendData", "receiveData", "sendClose", "receiveData", "receiveClose"],
    "finished",
  ],
  [
    "a stream both ways",
    "server",
    "open",
    ["receiveData", "sendData", "receiveClose", "sendData", "sendClose"],
    "finished",
  ],
  ["a server that closes first", "client", "open", ["receiveClose"], "finished"],
  ["a server that closes first", "server", "open", ["sendClose"], "finished"],
  ["data on a unary call", "server", "unary", ["receiveData"], "receiveData: data on a unary stream"],
  [
    "the end of data on a unary call",
    "server",
    "unary",
    ["receiveClose"],
    "receiveClose: data on a unary stream",
  ],
  ["data on a unary call", "client", "unary", ["receiveData"], "receiveData: data on a unary stream"],
  [
    "sending after the close",
    "client",
    "open",
    ["sendClose", "sendData"],
    "sendData: this end of the stream is closed",
  ],
  ["two closes", "client", "open", ["sendClose", "sendClose"], "sendClose: this end of the stream is closed"],
  [
    "data after the close",
    "server",
    "open",
    ["receiveClose", "receiveData"],
    "receiveData: data after the end of the stream's data",
  ],
  [
    "a second close",
    "server",
    "open",
    ["receiveClose", "receiveClose"],
    "receiveClose: data after the end of the stream's data",
  ],
  [
    "data after the end",
    "client",
    "open",
    ["receiveClose", "receiveData"],
    "receiveData: the stream is finished",
  ],
  [
    "a second response",
    "client",
    "unary",
    ["receiveResponse", "receiveResponse"],
    "receiveResponse: the stream is finished",
  ],
  [
    "a second response",
    "server",
    "unary",
    ["sendResponse", "sendResponse"],
    "sendResponse: the stream is finished",
  ],
  [
    "a response from a client",
    "server",
    "open",
    ["receiveResponse"],
    "receiveResponse: a client sends no responses",
  ],
  [
    "a response by a client",
    "client",
    "open",
    ["sendResponse"],
    "sendResponse: only a server sends responses",
  ],
];

describe("the stream tables", () => {
  for (const [title, end, from, path, expected] of walks) {
    const outcome = expected === "finished" ? "finishes the stream" : "is an error";
    test(`at the ${end}, ${title} (${path.join(", ")}) ${outcome}`, () => {
      assert.equal(walk(end, from, path), expected);
    });
  }

  for (const [end, table] of Object.entries(tables)) {
    test(`the ${end}'s has a cell for each state and event`, () => {
      for (const state of states) {
        assert.deepEqual(Object.keys(table[state]).sort(), [...events].sort());
        for (const event of events) {
          const cell = table[state][event];
          assert.ok("error" in cell ? cell.error !== "" : states.includes(cell.next), `${state} ${event}`);
        }
      }
    });

    test(`nothing happens on a finished stream of the ${end}`, () => {
      for (const event of events) assert.ok("error" in table.finished[event]);
    });

    test(`the ${end} can finish from every state a stream begins in, and never reopens`, () => {
      for (const from of ["unary", "open", end === "client" ? "localClosed" : "remoteClosed"] as const) {
        const next = events.flatMap((event) => {
          const cell = table[from][event];
          return "next" in cell ? [cell.next] : [];
        });
        assert.ok(next.includes("finished"), from);
        if (from !== "open") assert.ok(!next.includes("open"), from);
      }
    });
  }
});

/**
 * What may happen on a stream, and when: one table for each end (containerd/ttrpc PROTOCOL.md, "Streaming").
 * "Send" and "receive" are seen from the end the table belongs to. A cell is the next state, or why not.
 */

/** Where a stream is. `unary` waits for the response and allows nothing else; `finished` allows nothing. */
export type StreamState = "unary" | "open" | "localClosed" | "remoteClosed" | "finished";

/** What happens to a stream. `Close` is a data frame with the flag "remote closed", with or without a message. */
export type StreamEvent =
  | "sendData"
  | "sendClose"
  | "sendResponse"
  | "receiveData"
  | "receiveClose"
  | "receiveResponse";

/** What an event leads to. */
export type Transition = { readonly next: StreamState } | { readonly error: string };

type Table = Readonly<Record<StreamState, Readonly<Record<StreamEvent, Transition>>>>;

const to = (next: StreamState): Transition => ({ next });
const no = (error: string): Transition => ({ error });

const unaryData = no("data on a unary stream");
const notMine = no("only a server sends responses");
const notTheirs = no("a client sends no responses");
const closedHere = no("this end of the stream is closed");
const closedThere = no("data after the end of the stream's data");
const over = no("the stream is finished");
const allOver = {
  sendData: over,
  sendClose: over,
  sendResponse: over,
  receiveData: over,
  receiveClose: over,
  receiveResponse: over,
};

/** The client's end. The server always ends the stream, with a response or with the close of its data. */
export const clientTable: Table = {
  unary: {
    sendData: unaryData,
    sendClose: unaryData,
    sendResponse: notMine,
    receiveData: unaryData,
    receiveClose: unaryData,
    receiveResponse: to("finished"),
  },
  open: {
    sendData: to("open"),
    sendClose: to("localClosed"),
    sendResponse: notMine,
    receiveData: to("open"),
    receiveClose: to("finished"),
    receiveResponse: to("finished"),
  },
  localClosed: {
    sendData: closedHere,
    sendClose: closedHere,
    sendResponse: notMine,
    receiveData: to("localClosed"),
    receiveClose: to("finished"),
    receiveResponse: to("finished"),
  },
  // No such state at this end: when the server is done, the stream is.
  remoteClosed: allOver,
  finished: allOver,
};

/** The server's end. Whatever it ends its side with finishes the stream, also while the client still sends. */
export const serverTable: Table = {
  unary: {
    sendData: unaryData,
    sendClose: unaryData,
    sendResponse: to("finished"),
    receiveData: unaryData,
    receiveClose: unaryData,
    receiveResponse: notTheirs,
  },
  open: {
    sendData: to("open"),
    sendClose: to("finished"),
    sendResponse: to("finished"),
    receiveData: to("open"),
    receiveClose: to("remoteClosed"),
    receiveResponse: notTheirs,
  },
  remoteClosed: {
    sendData: to("remoteClosed"),
    sendClose: to("finished"),
    sendResponse: to("finished"),
    receiveData: closedThere,
    receiveClose: closedThere,
    receiveResponse: notTheirs,
  },
  // No such state at this end: when the server is done, the stream is.
  localClosed: allOver,
  finished: allOver,
};

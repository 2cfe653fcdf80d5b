import { setImmediate as tick } from "node:timers/promises";
import type { CallContext } from "../../src/ttrpc/handlers.ts";
import {
  type ClientConnection,
  ClientConnection as Connection,
  createClient,
  type Handlers,
  memoryPair,
  Server,
} from "../../src/ttrpc/index.ts";
import type { Limits } from "../../src/ttrpc/limits.ts";

/** The simplest of codecs: a message is a string, in UTF-8; `!` is what it cannot decode. */
export const text = {
  encode: (message: string) => ({ finish: () => new TextEncoder().encode(message) }),
  decode(bytes: Uint8Array): string {
    const message = new TextDecoder().decode(bytes);
    if (message === "!") throw new Error("not a text");
    return message;
  },
};

/** A service with a method of each kind. */
export const echo = {
  name: "test.Echo",
  methods: {
    say: { name: "Say", kind: "unary", input: text, output: text },
    split: { name: "Split", kind: "serverStream", input: text, output: text },
    join: { name: "Join", kind: "clientStream", input: text, output: text },
    chat: { name: "Chat", kind: "bidiStream", input: text, output: text },
  },
} as const;

/** The plain behaviour of {@link echo}: same word, its letters, the words joined, each word in upper case. */
export const echoHandlers: Handlers<typeof echo> = {
  say: async (word) => word,
  async *split(word) {
    for (const letter of word) yield letter;
  },
  async join(words) {
    const all: string[] = [];
    for await (const word of words) all.push(word);
    return all.join("+");
  },
  async *chat(words) {
    for await (const word of words) yield word.toUpperCase();
  },
};

/** A server with some handlers and a client joined to it in memory. */
export function startEcho(handlers: Partial<Handlers<typeof echo>> = {}, limits: Partial<Limits> = {}) {
  const server = new Server({ limits }).register(echo, { ...echoHandlers, ...handlers });
  const [near, far] = memoryPair();
  server.accept(far);
  const connection: ClientConnection = new Connection(near, { limits });
  return { server, connection, near, far, client: createClient(echo, connection) };
}

/** Resolves when the signal of a call aborts. */
export function aborted({ signal }: CallContext): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    signal.addEventListener("abort", () => resolve(signal.reason));
  });
}

/** Reads all that an iterable has. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Lets everything that is under way in memory go as far as it can. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await tick();
}

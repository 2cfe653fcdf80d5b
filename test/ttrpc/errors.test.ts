import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type LogFields, nullLogger } from "../../src/base/logger.ts";
import { hasCode, StatusCode, StatusError } from "../../src/base/status.ts";
import { type google, ttrpc } from "../../src/proto/index.ts";
import { FrameType } from "../../src/ttrpc/frame.ts";
import { ClientConnection, createClient, memoryPair, Server } from "../../src/ttrpc/index.ts";
import { collect, echo, echoHandlers, settle, startEcho, text } from "./echo-service.ts";
import { RawPeer } from "./raw-peer.ts";

function isStatus(code: StatusCode, message: RegExp) {
  return (err: unknown) => {
    assert.ok(err instanceof StatusError, String(err));
    assert.deepEqual([err.code, message.test(err.message)], [code, true], err.message);
    return true;
  };
}

const thrown: readonly (readonly [string, unknown, StatusCode, RegExp])[] = [
  [
    "a StatusError",
    new StatusError(StatusCode.notFound, "task x not found"),
    StatusCode.notFound,
    /^task x not found$/,
  ],
  ["any other error", new TypeError("x is not a function"), StatusCode.internal, /^x is not a function$/],
  ["an abort", new DOMException("stopped", "AbortError"), StatusCode.cancelled, /^stopped$/],
  ["a string", "plain", StatusCode.internal, /^plain$/],
  ["undefined", undefined, StatusCode.internal, /^undefined$/],
  ["an error without a message", new Error(), StatusCode.internal, /^$/],
  ["a success", new StatusError(StatusCode.ok, "fine"), StatusCode.unknown, /^fine$/],
  ["a very long message", new Error("y".repeat(5 << 20)), StatusCode.internal, /^y{65536}$/],
];

describe("what a handler throws", () => {
  for (const [title, what, code, message] of thrown) {
    test(`reaches the caller: ${title}`, async () => {
      const fail = () => {
        throw what;
      };
      const { client } = startEcho({ say: fail, split: fail, join: fail, chat: fail });
      await assert.rejects(client.say("x"), isStatus(code, message));
      await assert.rejects(collect(client.split("x")), isStatus(code, message));
      await assert.rejects(client.join().finish(), isStatus(code, message));
      await assert.rejects(collect(client.chat()), isStatus(code, message));
    });

    test(`reaches the caller when it comes later: ${title}`, async () => {
      const { client } = startEcho({
        say: async () => {
          await settle();
          throw what;
        },
      });
      await assert.rejects(client.say("x"), isStatus(code, message));
    });
  }

  test("never shows the server's stack or cause", async () => {
    const [near, far] = memoryPair();
    const server = new Server().register(echo, {
      say: () => {
        throw new StatusError(StatusCode.internal, "no luck", { cause: new Error("password") });
      },
    });
    server.accept(far);
    const peer = new RawPeer(near);
    const client = createClient(echo, new ClientConnection(near));
    await assert.rejects(client.say("x"), isStatus(StatusCode.internal, /^no luck$/));
    assert.doesNotMatch(String(Buffer.concat(peer.bytes)), /password|\bat \b|errors\.test/);
  });

  test("is logged, with its stack, where it is no StatusError", async () => {
    const lines: [string, LogFields | undefined][] = [];
    const logger = {
      ...nullLogger,
      error: (line: string, fields?: LogFields) => void lines.push([line, fields]),
    };
    const bug = new TypeError("bug");
    const server = new Server({ logger }).register(echo, {
      say: () => {
        throw bug;
      },
      join: () => {
        throw new StatusError(StatusCode.notFound, "no such thing");
      },
    });
    const [near, far] = memoryPair();
    server.accept(far);
    const client = createClient(echo, new ClientConnection(near));
    await assert.rejects(client.say("x"));
    await assert.rejects(client.join().finish());
    assert.deepEqual(lines, [["handler failed", { method: "/test.Echo/Say", err: bug }]]);
  });
});

describe("a call that no handler serves", () => {
  const other = { ...echo, name: "test.Other" } as const;
  const missing = {
    name: "test.Echo",
    methods: { sing: { name: "Sing", kind: "unary", input: text, output: text } },
  } as const;

  test("is unimplemented where the service is unknown, and names it", async () => {
    const { connection } = startEcho();
    const isUnknown = isStatus(StatusCode.unimplemented, /^service test\.Other$/);
    await assert.rejects(createClient(other, connection).say("x"), isUnknown);
    await assert.rejects(collect(createClient(other, connection).split("x")), isUnknown);
  });

  test("is unimplemented where the method is unknown, and names it", async () => {
    const { connection } = startEcho();
    const call = createClient(missing, connection).sing("x");
    await assert.rejects(call, isStatus(StatusCode.unimplemented, /^method Sing$/));
  });

  test("is unimplemented where the service came without that handler", async () => {
    const server = new Server().register(echo, { say: (word) => word });
    const [near, far] = memoryPair();
    server.accept(far);
    const client = createClient(echo, new ClientConnection(near));
    assert.equal(await client.say("x"), "x");
    await assert.rejects(client.join().finish(), isStatus(StatusCode.unimplemented, /^method Join$/));
  });

  test("cannot be made to find what every object has", async () => {
    const { connection } = startEcho();
    for (const name of ["__proto__", "constructor", "toString"]) {
      const odd = { ...missing, methods: { odd: { ...missing.methods.sing, name } } } as const;
      await assert.rejects(
        createClient(odd, connection).odd("x"),
        isStatus(StatusCode.unimplemented, /^method/),
      );
    }
  });

  test("a service cannot be registered twice", () => {
    const server = new Server().register(echo, echoHandlers);
    assert.throws(() => server.register(echo, {}), isStatus(StatusCode.alreadyExists, /service test\.Echo/));
  });
});

describe("a message that cannot be read or written", () => {
  test("is the caller's mistake where it is the request", async () => {
    const { client } = startEcho();
    await assert.rejects(
      client.say("!"),
      isStatus(StatusCode.invalidArgument, /^\/test\.Echo\/Say: the request is mal/),
    );
    const join = client.join();
    await join.send("fine");
    await join.send("!");
    await assert.rejects(join.finish(), isStatus(StatusCode.invalidArgument, /^\/test\.Echo\/Join/));
  });

  test("is the server's mistake where it is the answer, and ends the call", async () => {
    const { client, connection } = startEcho({
      say: () => "!",
      async *split() {
        yield* ["a", "!", "b"];
      },
    });
    await assert.rejects(
      client.say("x"),
      isStatus(StatusCode.internal, /^\/test\.Echo\/Say: the answer is malformed$/),
    );
    await assert.rejects(collect(client.split("x")), isStatus(StatusCode.internal, /malformed/));
    assert.equal(connection.activeCalls, 0);
  });

  test("is refused before anything is sent where it cannot be encoded", async () => {
    const { connection, server } = startEcho();
    const picky = {
      encode: (_: string): { finish(): Uint8Array } => {
        throw new TypeError("not like that");
      },
      decode: text.decode,
    };
    const descriptor = { ...echo, methods: { say: { ...echo.methods.say, input: picky } } } as const;
    const call = createClient(descriptor, connection).say("x");
    await assert.rejects(
      call,
      isStatus(StatusCode.invalidArgument, /^\/test\.Echo\/Say: the message cannot be encoded$/),
    );
    assert.deepEqual([connection.activeCalls, server.activeCalls], [0, 0]);
  });

  test("is internal where the handler answers with what cannot be encoded", async () => {
    const picky = {
      encode: (_: string): { finish(): Uint8Array } => {
        throw new TypeError("not like that");
      },
      decode: text.decode,
    };
    const descriptor = {
      name: "test.Picky",
      methods: { say: { ...echo.methods.say, output: picky } },
    } as const;
    const { server, connection } = startEcho();
    server.register(descriptor, { say: (word) => word });
    const call = createClient({ ...echo, name: "test.Picky" } as const, connection).say("x");
    await assert.rejects(call, isStatus(StatusCode.internal, /^not like that$/));
  });
});

test("an error's details reach the caller as its cause", async () => {
  const [near, far] = memoryPair();
  const client = createClient(echo, new ClientConnection(near));
  const peer = new RawPeer(far);
  const call = client.say("x");
  await peer.take(1);
  const details = [{ typeUrl: "example.Hint", value: new Uint8Array([1]) }];
  const data = ttrpc.Response.encode({ status: { code: 9, message: "not now", details } }).finish();
  peer.send({ streamId: 1, type: FrameType.response, data });
  await assert.rejects(call, (err) => {
    assert.ok(hasCode(err, StatusCode.failedPrecondition));
    const { cause } = err as { cause?: google.rpc.Status.$Properties };
    return cause?.details?.[0]?.typeUrl === "example.Hint";
  });
});

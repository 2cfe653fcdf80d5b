import assert from "node:assert/strict";
import type http from "node:http";
import { describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import { StatusCode, StatusError } from "../../../src/base/status.ts";
import { RegistryClient } from "../../../src/images/registry/client.ts";
import type { Credentials } from "../../../src/images/registry/settings.ts";
import { status } from "../../support/status.ts";
import { type FakeRegistry, LIMITS, never, someBytes, withRegistry } from "./fake-registry.ts";

const USER = { username: "ebb", password: "bread: and salt" };
const BASIC = `Basic ${Buffer.from("ebb:bread: and salt").toString("base64")}`;

/** What a token server answers, and what it was asked. */
interface TokenServer {
  answer: (request: http.IncomingMessage, response: http.ServerResponse) => void;
  readonly asked: { readonly url: URL; readonly headers: http.IncomingHttpHeaders; form: string }[];
}

/** Has a registry want tokens, which it gives out itself; `accepts` says which it lets in. */
function wantTokens(registry: FakeRegistry, accepts: (token: string) => boolean): TokenServer {
  const server: TokenServer = { answer: (_, response) => void response.end("{}"), asked: [] };
  registry.intercept = (request, response) => {
    const { url = "", headers } = request;
    if (url.startsWith("/token")) {
      const seen = { url: new URL(url, `http://${registry.host}`), headers, form: "" };
      server.asked.push(seen);
      request.on("data", (chunk) => {
        seen.form += chunk;
      });
      request.on("end", () => server.answer(request, response));
      return true;
    }
    if (accepts((headers.authorization ?? "").replace(/^Bearer /, ""))) return false;
    const challenge = `Bearer realm="http://${registry.host}/token",service="a registry"`;
    response.writeHead(401, { "www-authenticate": challenge }).end();
    return true;
  };
  return server;
}

function client(registry: FakeRegistry, credentials?: Credentials) {
  const made = new RegistryClient({ limits: LIMITS, credentials: () => credentials });
  const [endpoint] = made.endpoints(registry.host);
  assert.ok(endpoint !== undefined);
  const ask = (repository = "test/app", signal = never()) =>
    made.manifest({ endpoint, repository }, "1", signal);
  return { ask };
}

describe("a registry that wants a token", () => {
  test("is shown one that its token server gives for the repository, and the same again until it ends", async () => {
    await withRegistry(async (registry) => {
      registry.putImage("test/app:1", [someBytes(10, 1)]);
      registry.putImage("test/other:1", [someBytes(10, 1)]);
      const server = wantTokens(registry, (token) => token === "t1");
      server.answer = (_, response) => void response.end(JSON.stringify({ token: "t1", expires_in: 300 }));
      const { ask } = client(registry, USER);
      for (const repository of ["test/app", "test/app", "test/other"]) await ask(repository);
      const scopes = server.asked.map(({ url }) => url.searchParams.get("scope"));
      assert.deepEqual(scopes, ["repository:test/app:pull", "repository:test/other:pull"]);
      const [{ url, headers } = { url: new URL("http://none"), headers: {} as http.IncomingHttpHeaders }] =
        server.asked;
      assert.equal(url.searchParams.get("service"), "a registry");
      assert.equal(headers.authorization, BASIC);
    });
  });

  test("is shown a new one when the old one has ended, or is not accepted any more", async () => {
    for (const seconds of [0, 300]) {
      await withRegistry(async (registry) => {
        registry.putImage("test/app:1", [someBytes(10, 1)]);
        let number = 1;
        const server = wantTokens(registry, (token) => token === `t${number}`);
        server.answer = (_, response) =>
          void response.end(JSON.stringify({ access_token: `t${number}`, expires_in: seconds }));
        const { ask } = client(registry);
        await ask();
        number = 2;
        await ask();
        assert.equal(server.asked.length, 2);
        assert.equal(server.asked[0]?.headers.authorization, undefined);
      });
    }
  });

  test("is asked for one once by all who need the same", async () => {
    await withRegistry(async (registry) => {
      const { layers } = registry.putImage(
        "test/app:1",
        [1, 2, 3].map((n) => someBytes(10, n)),
      );
      const server = wantTokens(registry, (token) => token === "t1");
      server.answer = (_, response) => void response.end(JSON.stringify({ token: "t1" }));
      const made = new RegistryClient({ limits: LIMITS });
      const [endpoint] = made.endpoints(registry.host);
      assert.ok(endpoint !== undefined);
      const place = { endpoint, repository: "test/app" };
      const read = async (digest: `sha256:${string}`) => {
        const blob = { mediaType: "any", digest, size: 10 };
        for await (const chunk of made.blob(place, blob, 0, { signal: never() })) assert.ok(chunk.length > 0);
      };
      await Promise.all(layers.map(read));
      assert.equal(server.asked.length, 1);
    });
  });

  test("gets one by form for who has an identity token", async () => {
    await withRegistry(async (registry) => {
      registry.putImage("test/app:1", [someBytes(10, 1)]);
      const server = wantTokens(registry, (token) => token === "t1");
      server.answer = (_, response) => void response.end(JSON.stringify({ access_token: "t1" }));
      await client(registry, { identityToken: "long lived" }).ask();
      const form = new URLSearchParams(server.asked[0]?.form);
      assert.deepEqual(
        ["grant_type", "refresh_token", "scope"].map((name) => form.get(name)),
        ["refresh_token", "long lived", "repository:test/app:pull"],
      );
    });
  });

  const answers: readonly [string, number, string, StatusCode, RegExp][] = [
    [
      "no token for the user",
      401,
      "",
      StatusCode.unauthenticated,
      /^the token server .* has no token for user ebb$/,
    ],
    ["what is not JSON", 200, "<html>", StatusCode.failedPrecondition, /^the token server .* is not JSON$/],
    ["no token at all", 200, "{}", StatusCode.failedPrecondition, /answers without a token$/],
    [
      "a token that is two headers",
      200,
      '{"token":"a\\r\\nb: c"}',
      StatusCode.failedPrecondition,
      /without a token$/,
    ],
    [
      "a token that is not accepted",
      200,
      '{"token":"bad"}',
      StatusCode.unauthenticated,
      /does not accept user ebb$/,
    ],
  ];
  for (const [what, code, text, expected, told] of answers) {
    test(`makes one clear error of a token server that answers with ${what}`, async () => {
      await withRegistry(async (registry) => {
        const server = wantTokens(registry, () => false);
        server.answer = (_, response) => void response.writeHead(code).end(text);
        await assert.rejects(client(registry, USER).ask(), status(expected, told));
        assert.equal(server.asked.length, 1);
      });
    });
  }

  test("is left at once by who is cancelled while the token is fetched", async () => {
    await withRegistry(async (registry) => {
      const server = wantTokens(registry, () => false);
      server.answer = () => {};
      const aborter = new AbortController();
      const asked = client(registry).ask("test/app", aborter.signal);
      asked.catch(() => {});
      await until("the token to be asked for", () => server.asked.length > 0 || undefined);
      aborter.abort(new StatusError(StatusCode.cancelled, "enough"));
      await assert.rejects(asked, status(StatusCode.cancelled, /^enough$/));
      await until("no connection", () => registry.connections === 0 || undefined);
    });
  });

  test("sends nobody's password to what is not a safe address", async () => {
    await withRegistry(async (registry) => {
      registry.intercept = (_, response) => {
        response.writeHead(401, { "www-authenticate": 'Bearer realm="file:///token"' }).end();
        return true;
      };
      const told = /sends for a token to something that is not a safe address$/;
      await assert.rejects(client(registry, USER).ask(), status(StatusCode.failedPrecondition, told));
    });
  });
});

describe("a registry that wants a password", () => {
  /** Lets in who knows it. */
  const wantPassword = (registry: FakeRegistry) => {
    registry.intercept = ({ headers }, response) => {
      if (headers.authorization === BASIC) return false;
      response.writeHead(401, { "www-authenticate": 'Basic realm="ebb"' }).end();
      return true;
    };
  };

  test("is told it only when it has asked, and then at once", async () => {
    await withRegistry(async (registry) => {
      registry.putImage("test/app:1", [someBytes(10, 1)]);
      wantPassword(registry);
      const { ask } = client(registry, USER);
      await ask();
      await ask();
      const told = registry.requests.map(({ headers }) => headers.authorization);
      assert.deepEqual(told, [undefined, BASIC, BASIC]);
    });
  });

  const wrong: readonly [Credentials | undefined, RegExp][] = [
    [undefined, /does not give out test\/app:1: .* docker's configuration names none for it$/],
    [{ username: "ebb", password: "wrong" }, /does not give out test\/app:1: it does not accept user ebb$/],
  ];
  for (const [credentials, told] of wrong) {
    test(`makes one clear error for ${credentials === undefined ? "nobody" : "who has a wrong one"}`, async () => {
      await withRegistry(async (registry) => {
        wantPassword(registry);
        const asked = client(registry, credentials).ask();
        await assert.rejects(asked, status(StatusCode.unauthenticated, told));
      });
    });
  }

  test("is told that of a user who was made known meanwhile; who is not asked is looked up by nobody", async () => {
    await withRegistry(async (registry) => {
      registry.putImage("test/app:1", [someBytes(10, 1)]);
      let known: Credentials | undefined;
      let lookups = 0;
      const credentials = () => {
        lookups += 1;
        return known;
      };
      const made = new RegistryClient({ limits: LIMITS, credentials });
      const [endpoint] = made.endpoints(registry.host);
      assert.ok(endpoint !== undefined);
      const ask = () => made.manifest({ endpoint, repository: "test/app" }, "1", never());
      await ask();
      assert.equal(lookups, 0);
      wantPassword(registry);
      await assert.rejects(ask(), status(StatusCode.unauthenticated, /names none for it$/));
      known = USER;
      await ask();
    });
  });

  test("is not told it by way of a storage that it sends on to", async () => {
    await withRegistry(async (registry) => {
      await withRegistry(async (storage) => {
        wantPassword(storage);
        registry.intercept = (_, response) => {
          response.writeHead(307, { location: `http://${storage.host}/there` }).end();
          return true;
        };
        await assert.rejects(
          client(registry, USER).ask(),
          status(StatusCode.unauthenticated, /does not accept/),
        );
        assert.ok(storage.requests.every(({ headers }) => headers.authorization === undefined));
      });
    });
  });
});

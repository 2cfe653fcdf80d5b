import assert from "node:assert/strict";
import type http from "node:http";
import { describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import { StatusCode, StatusError } from "../../../src/base/status.ts";
import type { Digest } from "../../../src/images/digest.ts";
import { RegistryClient } from "../../../src/images/registry/client.ts";
import type { RegistryLimits } from "../../../src/images/registry/settings.ts";
import { status } from "../../support/status.ts";
import { type FakeRegistry, LIMITS, never, someBytes, withRegistry } from "./fake-registry.ts";

const BYTES = someBytes(300_000, 1);

/** Reads a blob of {@link BYTES} from an offset on. */
async function read(registry: FakeRegistry, offset = 0, limits: RegistryLimits = LIMITS): Promise<Buffer> {
  const client = new RegistryClient({ limits });
  const [endpoint] = client.endpoints(registry.host);
  assert.ok(endpoint !== undefined);
  const blob = { mediaType: "any", digest: registry.putBlob(BYTES), size: BYTES.length };
  const chunks: Uint8Array[] = [];
  const place = { endpoint, repository: "test/app" };
  for await (const chunk of client.blob(place, blob, offset, { signal: never() })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Has the blob's first requests answered in other ways, one after the other. */
function first(registry: FakeRegistry, ...answers: ((response: http.ServerResponse) => void)[]): void {
  registry.intercept = (_, response) => {
    const answer = answers.shift();
    answer?.(response);
    return answer !== undefined;
  };
}

/** Gives this much of the blob and then breaks the connection, once that was sent. */
const breakAfter = (length: number) => (response: http.ServerResponse) => {
  response.writeHead(200, { "content-length": BYTES.length });
  response.write(BYTES.subarray(0, length), () => setTimeout(() => response.destroy(), 20));
};

const ranges = (registry: FakeRegistry) => registry.requests.map(({ headers }) => headers.range);

describe("a blob of a registry", () => {
  test("comes from the beginning, or from where somebody stopped", async () => {
    await withRegistry(async (registry) => {
      assert.ok((await read(registry)).equals(BYTES));
      assert.ok((await read(registry, 299_999)).equals(BYTES.subarray(299_999)));
      assert.deepEqual(ranges(registry), [undefined, "bytes=299999-"]);
    });
  });

  test("is not asked for by who has all of it", async () => {
    await withRegistry(async (registry) => {
      assert.equal((await read(registry, BYTES.length)).length, 0);
      assert.deepEqual(registry.requests, []);
    });
  });

  for (const offset of [1, 150_000, 299_999]) {
    test(`comes from byte ${offset} on also of a server that begins at the beginning`, async () => {
      await withRegistry(async (registry) => {
        registry.hasRanges = false;
        assert.ok((await read(registry, offset)).equals(BYTES.subarray(offset)));
      });
    });

    test(`comes from byte ${offset} on also of a server that refuses to begin there`, async () => {
      await withRegistry(async (registry) => {
        first(registry, (response) => response.writeHead(416).end());
        assert.ok((await read(registry, offset)).equals(BYTES.subarray(offset)));
        assert.deepEqual(ranges(registry), [`bytes=${offset}-`, undefined]);
      });
    });
  }

  test("goes on where its connection broke", async () => {
    await withRegistry(async (registry) => {
      first(registry, breakAfter(100_000), (response) => response.writeHead(500).end());
      assert.ok((await read(registry)).equals(BYTES));
      assert.equal(registry.requests.length, 3);
    });
  });

  test("goes on also where the server has ended its answer too early, without a word", async () => {
    await withRegistry(async (registry) => {
      first(registry, (response) => response.writeHead(200).end(BYTES.subarray(0, 100_000)));
      assert.ok((await read(registry)).equals(BYTES));
      assert.deepEqual(ranges(registry), [undefined, "bytes=100000-"]);
    });
  });

  test("is given up when it has broken too often without getting on", async () => {
    await withRegistry(async (registry) => {
      registry.intercept = (_, response) => {
        response.writeHead(502).end();
        return true;
      };
      await assert.rejects(read(registry), status(StatusCode.unavailable, /answers 502 for blob sha256:/));
      assert.equal(registry.requests.length, LIMITS.retries + 1);
    });
  });

  test("is not given up while it gets on, however often it breaks", async () => {
    const large = someBytes(8 << 20, 3);
    await withRegistry(async (registry) => {
      const digest = registry.putBlob(large);
      registry.intercept = ({ headers }, response) => {
        const start = Number(/\d+/.exec(headers.range ?? "0")?.[0]);
        const end = Math.min(large.length, start + (2 << 20));
        const range = `bytes ${start}-${large.length - 1}/${large.length}`;
        response.writeHead(start > 0 ? 206 : 200, start > 0 ? { "content-range": range } : {});
        response.end(large.subarray(start, end));
        return true;
      };
      const client = new RegistryClient({ limits: { ...LIMITS, retries: 1 } });
      const [endpoint] = client.endpoints(registry.host);
      assert.ok(endpoint !== undefined);
      const blob = { mediaType: "any", digest, size: large.length };
      let length = 0;
      const place = { endpoint, repository: "test/app" };
      for await (const chunk of client.blob(place, blob, 0, { signal: never() })) length += chunk.length;
      assert.equal(length, large.length);
      assert.equal(registry.requests.length, 4);
    });
  });

  const wrong: readonly [string, number, (response: http.ServerResponse) => void, StatusCode, RegExp][] = [
    [
      "too long by its own word",
      0,
      (r) => r.writeHead(200, { "content-length": 300_001 }).end(),
      15,
      /has 300001 bytes, not the 300000/,
    ],
    [
      "too long without a word",
      0,
      (r) => r.writeHead(200).end(Buffer.alloc(300_001)),
      15,
      /has more than the 300000 bytes/,
    ],
    [
      "shorter, as it refuses a range",
      9,
      (r) => r.writeHead(416, { "content-range": "bytes */5" }).end(),
      15,
      /has 5 bytes, not the 300000/,
    ],
    [
      "another one by its range",
      9,
      (r) => r.writeHead(206, { "content-range": "bytes 9-10/11" }).end(),
      15,
      /has 11 bytes, not the 300000/,
    ],
    [
      "another part",
      9,
      (r) => r.writeHead(206, { "content-range": "bytes 8-299999/300000" }).end(),
      9,
      /another part/,
    ],
    ["a part of an unknown kind", 9, (r) => r.writeHead(206).end(), 9, /another part/],
    ["not there", 0, (r) => r.writeHead(404).end(), 5, /has no blob sha256:/],
    ["not for everybody", 0, (r) => r.writeHead(403).end(), 7, /does not give out blob sha256:/],
    ["too much to ask", 0, (r) => r.writeHead(429).end(), 14, /takes no more requests for now/],
  ];
  for (const [what, offset, answer, code, told] of wrong) {
    test(`that is ${what} is one clear error, and asked for once`, async () => {
      await withRegistry(async (registry) => {
        first(registry, answer);
        await assert.rejects(read(registry, offset), status(code, told));
        assert.equal(registry.requests.length, 1);
      });
    });
  }

  test("is left at once by who is cancelled while it waits to ask again, or for its turn", async () => {
    await withRegistry(async (registry) => {
      const digest: Digest = registry.putBlob(BYTES);
      registry.intercept = (_, response) => {
        response.writeHead(503).end();
        return true;
      };
      const client = new RegistryClient({ limits: { ...LIMITS, backoffMs: 60_000, blobsAtOnce: 1 } });
      const [endpoint] = client.endpoints(registry.host);
      assert.ok(endpoint !== undefined);
      const blob = { mediaType: "any", digest, size: BYTES.length };
      const place = { endpoint, repository: "test/app" };
      const aborter = new AbortController();
      let retries = 0;
      const watch = { signal: aborter.signal, onRetry: () => retries++ };
      const waiting = [1, 2].map(async () => await client.blob(place, blob, 0, watch).next());
      for (const one of waiting) one.catch(() => {});
      await until("the wait before another request", () => retries > 0 || undefined);
      aborter.abort(new StatusError(StatusCode.cancelled, "enough"));
      for (const one of waiting) await assert.rejects(one, status(StatusCode.cancelled, /^enough$/));
      assert.equal(registry.requests.length, 1);
    });
  });
});

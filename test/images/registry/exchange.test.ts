import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import { sleep } from "../../../src/base/deadline.ts";
import { StatusCode, StatusError } from "../../../src/base/status.ts";
import { Exchange, type Patience } from "../../../src/images/registry/exchange.ts";
import { PassingError } from "../../../src/images/registry/http-error.ts";
import { status } from "../../support/status.ts";
import { type FakeRegistry, never, withRegistry } from "./fake-registry.ts";

const PATIENT: Patience = { stallMs: 20_000, signal: never() };

function open(registry: FakeRegistry, place: string, patience: Patience = PATIENT): Promise<Exchange> {
  return Exchange.open({ url: new URL(`http://${registry.host}/${place}`), headers: {} }, patience);
}

describe("an exchange with a registry", () => {
  test("gives the status, the headers and the body, and closes its connection at the end of that", async () => {
    await withRegistry(async (registry) => {
      registry.intercept = (_, response) => {
        response.writeHead(418, { "x-test": "yes", "content-length": 4 }).end("text");
        return true;
      };
      const exchange = await open(registry, "any");
      assert.deepEqual([exchange.status, exchange.header("x-test"), exchange.length], [418, "yes", 4]);
      assert.equal((await exchange.body(4, "a text")).toString(), "text");
      await until("no connection", () => registry.connections === 0 || undefined);
    });
  });

  test("refuses a body and headers beyond what they may be", async () => {
    await withRegistry(async (registry) => {
      registry.intercept = ({ url }, response) => {
        if (url === "/headers") response.setHeader("x-test", "x".repeat(20 << 10));
        response.end("text");
        return true;
      };
      const exchange = await open(registry, "body");
      const told = /has more than 3 bytes for a text$/;
      await assert.rejects(exchange.body(3, "a text"), status(StatusCode.failedPrecondition, told));
      const tooMany = status(StatusCode.failedPrecondition, /answers with too many headers$/);
      await assert.rejects(open(registry, "headers"), tooMany);
      await until("no connection", () => registry.connections === 0 || undefined);
    });
  });

  test("is stalled when it gives no byte for so long, be it of the headers or of the body", async () => {
    await withRegistry(async (registry) => {
      registry.intercept = ({ url }, response) => {
        if (url === "/body") response.write("a");
        return true;
      };
      let stalls = 0;
      const patience = { stallMs: 200, signal: never(), onStall: () => stalls++ };
      const stalled = status(StatusCode.unavailable, /gave no byte for 200 ms$/);
      await assert.rejects(open(registry, "headers", patience), stalled);
      const exchange = await open(registry, "body", patience);
      await assert.rejects(exchange.body(10, "a text"), stalled);
      assert.equal(stalls, 2);
      await until("no connection", () => registry.connections === 0 || undefined);
    });
  });

  test("is not stalled while each byte comes in time, or while its reader is busy, or once it has ended", async () => {
    await withRegistry(async (registry) => {
      registry.intercept = (_, response) => {
        let left = 8;
        const timer = setInterval(() => {
          response.write("a");
          left -= 1;
          if (left > 0) return;
          clearInterval(timer);
          response.end();
        }, 100);
        return true;
      };
      const stalls: string[] = [];
      const patience = { stallMs: 1_000, signal: never(), onStall: () => stalls.push("stall") };
      const exchange = await open(registry, "slow", patience);
      let count = 0;
      for await (const chunk of exchange.chunks()) {
        if (count === 0) await sleep(1_100);
        count += chunk.length;
      }
      await sleep(1_100);
      assert.deepEqual([count, stalls], [8, []]);
    });
  });

  test("tells a body that was cut off from one that has ended", async () => {
    await withRegistry(async (registry) => {
      registry.intercept = (_, response) => {
        response.writeHead(200, { "content-length": 10 });
        response.write("text", () => response.destroy());
        return true;
      };
      const broken = async () => await (await open(registry, "cut")).body(10, "a text");
      await assert.rejects(broken(), (thrown) => thrown instanceof PassingError);
    });
  });

  test("ends with the reason of its signal, and its connection with it", async () => {
    await withRegistry(async (registry) => {
      let requests = 0;
      registry.intercept = ({ url }, response) => {
        requests += 1;
        if (url === "/body") response.write("a");
        return true;
      };
      for (const place of ["headers", "body"]) {
        const aborter = new AbortController();
        const seen = requests;
        const patience = { stallMs: 20_000, signal: aborter.signal };
        const all = open(registry, place, patience).then((exchange) => exchange.body(10, "a text"));
        all.catch(() => {});
        await until("the request", () => requests > seen || undefined);
        aborter.abort(new StatusError(StatusCode.cancelled, "enough"));
        await assert.rejects(all, status(StatusCode.cancelled, /^enough$/));
        await until("no connection", () => registry.connections === 0 || undefined);
      }
      const aborted = AbortSignal.abort(new StatusError(StatusCode.cancelled, "before"));
      await assert.rejects(open(registry, "never", { stallMs: 1, signal: aborted }), /before/);
      assert.equal(requests, 2);
    });
  });
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode } from "../../../src/base/status.ts";
import { follow } from "../../../src/images/registry/redirects.ts";
import { status } from "../../support/status.ts";
import { type FakeRegistry, never, withRegistry } from "./fake-registry.ts";

const PATIENCE = { stallMs: 20_000, signal: never() };
const HEADERS = { authorization: "Basic c2VjcmV0", accept: "anything" };

/** Has a registry send whoever asks for `/first` to an address. */
function sendOn(registry: FakeRegistry, location: string): void {
  registry.intercept = ({ url }, response) => {
    if (url === "/first") response.writeHead(307, { location }).end();
    else response.end("here");
    return true;
  };
}

const ask = (registry: FakeRegistry) =>
  follow({ url: new URL(`http://${registry.host}/first`), headers: HEADERS }, PATIENCE);

describe("a request that is sent on", () => {
  test("goes with all its headers to another place of the same server", async () => {
    await withRegistry(async (registry) => {
      sendOn(registry, "second");
      const exchange = await ask(registry);
      assert.equal((await exchange.body(4, "a text")).toString(), "here");
      assert.equal(registry.requests.at(-1)?.path, "/second");
      assert.equal(registry.requests.at(-1)?.headers.authorization, HEADERS.authorization);
    });
  });

  test("does not tell another server who asks", async () => {
    await withRegistry(async (registry) => {
      await withRegistry(async (other) => {
        sendOn(registry, `http://${other.host}/there`);
        (await ask(registry)).close();
        const [{ headers } = { headers: {} as Record<string, unknown> }] = other.requests;
        assert.deepEqual([headers.authorization, headers.accept], [undefined, "anything"]);
      });
    });
  });

  test("is given up after some times", async () => {
    await withRegistry(async (registry) => {
      sendOn(registry, "/first");
      const told = /sends on more than \d+ times$/;
      await assert.rejects(ask(registry), status(StatusCode.failedPrecondition, told));
    });
  });

  for (const location of ["file:///etc/passwd", "http://user:word@registry.test/", "http://[", "ftp://a/"]) {
    test(`is not sent to ${location}`, async () => {
      await withRegistry(async (registry) => {
        sendOn(registry, location);
        const told = /sends on to something that is not a safe address$/;
        await assert.rejects(ask(registry), status(StatusCode.failedPrecondition, told));
      });
    });
  }
});

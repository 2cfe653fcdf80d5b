import assert from "node:assert/strict";
import https from "node:https";
import net from "node:net";
import { describe, test } from "node:test";
import { StatusCode } from "../../../src/base/status.ts";
import { RegistryClient } from "../../../src/images/registry/client.ts";
import { status } from "../../support/status.ts";
import { LIMITS, never, withRegistry } from "./fake-registry.ts";

/** A server on TCP that does one thing with each connection. */
async function withServer<T>(
  onConnection: (socket: net.Socket) => void,
  body: (host: string) => Promise<T>,
): Promise<T> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await body(`127.0.0.1:${(server.address() as net.AddressInfo).port}`);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

async function ask(registry: string, address: string): Promise<unknown> {
  const client = new RegistryClient({ mirrors: { [registry]: [address] }, limits: LIMITS });
  const [endpoint] = client.endpoints(registry);
  assert.ok(endpoint !== undefined);
  return await client.manifest({ endpoint, repository: "test/app" }, "1", never());
}

/** For 127.0.0.1, by nobody whom anybody trusts; for a hundred years. The key protects nothing. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBlzCCAT6gAwIBAgIUEgA+H1Ouvk8FlGhQn3ptWVXuzCUwCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNcmVnaXN0cnkudGVzdDAgFw0yNjExMjYwMjA5MDZaGA8yMTI2
MTEwMjAyMDkwNlowGDEWMBQGA1UEAwwNcmVnaXN0cnkudGVzdDBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABOUnKmA2FSRG19+D0sFpJeFZ+Ehmb1yk2de0RPvCVuh6
5p8cUM5wblRHdiqg6ER8Qac5wTm6Yo92T7zSFAPX9b6jZDBiMB0GA1UdDgQWBBT/
zY1GWtVIBIWOBksfiuA75dyh+DAfBgNVHSMEGDAWgBT/zY1GWtVIBIWOBksfiuA7
5dyh+DAPBgNVHRMBAf8EBTADAQH/MA8GA1UdEQQIMAaHBH8AAAEwCgYIKoZIzj0E
AwIDRwAwRAIgLSz/vzFmUjXZUg7t82rL7WMNgTFcygZvwSnWupgdBNYCIEPSH0Yy
OJHtYCr7IWZNtrCGiPtymSS+VLAXXJLryxBc
-----END CERTIFICATE-----
`;
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg2T6jGxlesx8M8LkY
ZQFNg/waPJgtgtcuHqTTxUrG95ChRANCAATlJypgNhUkRtffg9LBaSXhWfhIZm9c
pNnXtET7wlboeuafHFDOcG5UR3YqoOhEfEGnOcE5umKPdk+80hQD1/W+
-----END PRIVATE KEY-----
`;

/** Nobody listens on a port that was given back. */
const freePort = () =>
  withServer(
    () => {},
    async (host) => host,
  );

describe("a registry that cannot be reached", () => {
  test("is told by its name, and that nobody listens there", async () => {
    const host = await freePort();
    const told = new RegExp(`^cannot reach registry ${host}: nobody listens there$`);
    await assert.rejects(ask("registry.test", `http://${host}`), status(StatusCode.unavailable, told));
  });

  test("is told by its name, and that there is no such host, or nobody to ask for one", async () => {
    const told =
      /^cannot reach registry nowhere\.invalid: (there is no such host|nobody answers who knows hosts by their names)$/;
    await assert.rejects(
      ask("registry.test", "https://nowhere.invalid"),
      status(StatusCode.unavailable, told),
    );
  });

  test("is told to speak no TLS, and how to ask it nevertheless", async () => {
    await withRegistry(async ({ host }) => {
      const told = new RegExp(`^cannot reach registry ${host}: it does not speak TLS .*insecureRegistries`);
      await assert.rejects(ask("registry.test", `https://${host}`), status(StatusCode.unavailable, told));
    });
  });

  test("is told to have a certificate that nobody trusts", async () => {
    const server = https.createServer({ cert: CERTIFICATE, key: KEY }, (_, response) => response.end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const host = `127.0.0.1:${(server.address() as net.AddressInfo).port}`;
      const told = new RegExp(
        `^cannot reach registry ${host}: its certificate is not one that Node trusts \\(NODE_EXTRA_CA_CERTS names a file with more\\)$`,
      );
      await assert.rejects(ask("registry.test", `https://${host}`), status(StatusCode.unavailable, told));
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test("is told to speak no HTTP", async () => {
    const talk = (socket: net.Socket) => void socket.end("220 mail.test ready\r\n\r\n");
    await withServer(talk, async (host) => {
      const told = new RegExp(`^registry ${host} does not speak HTTP$`);
      await assert.rejects(ask("registry.test", `http://${host}`), status(StatusCode.unavailable, told));
    });
  });

  test("is asked again where the connection breaks, and told after the last time", async () => {
    let connections = 0;
    const hangUp = (socket: net.Socket) => {
      connections += 1;
      socket.destroy();
    };
    await withServer(hangUp, async (host) => {
      const told = new RegExp(`^the connection to registry ${host} broke`);
      await assert.rejects(ask("registry.test", `http://${host}`), status(StatusCode.unavailable, told));
    });
    assert.equal(connections, LIMITS.retries + 1);
  });
});

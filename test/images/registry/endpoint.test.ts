import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode, StatusError } from "../../../src/base/status.ts";
import { endpointsOf } from "../../../src/images/registry/endpoint.ts";
import { LIMITS } from "./fake-registry.ts";

describe("whom to ask for what a registry has", () => {
  const rows: readonly [string, string][] = [
    ["registry.test", "https://registry.test/v2"],
    ["registry.test:5000", "https://registry.test:5000/v2"],
    ["docker.io", "https://registry-1.docker.io/v2"],
    ["localhost", "http://localhost/v2"],
    ["localhost:5000", "http://localhost:5000/v2"],
    ["127.0.0.1:5000", "http://127.0.0.1:5000/v2"],
    ["127.8.9.10", "http://127.8.9.10/v2"],
    ["[::1]:5000", "http://[::1]:5000/v2"],
    ["localhost.test", "https://localhost.test/v2"],
    ["insecure.test:80", "http://insecure.test/v2"],
  ];
  for (const [registry, base] of rows) {
    test(`is ${base} for ${registry}`, () => {
      const [endpoint, ...others] = endpointsOf(registry, {
        limits: LIMITS,
        insecureRegistries: ["insecure.test:80"],
      });
      assert.deepEqual([endpoint, others], [{ host: registry, base }, []]);
    });
  }

  test("is each mirror in its order, and the registry last", () => {
    const mirrors = { "docker.io": ["cache.test", "http://cache.test:5000/path/"] };
    assert.deepEqual(endpointsOf("docker.io", { limits: LIMITS, mirrors }), [
      { host: "cache.test", base: "https://cache.test/v2" },
      { host: "cache.test:5000", base: "http://cache.test:5000/path/v2" },
      { host: "docker.io", base: "https://registry-1.docker.io/v2" },
    ]);
    assert.equal(endpointsOf("toString", { limits: LIMITS, mirrors }).length, 1);
  });

  const wrong = [
    ["ftp://cache.test", "ftp://cache.test"],
    ["http://user:word@cache.test", "http://cache.test"],
    ["user:wo/r@d@cache.test", "cache.test"],
    ["https://[", "https://["],
    ["https://a.test/?b", "https://a.test/?b"],
  ] as const;
  for (const [name, shown] of wrong) {
    test(`is never ${name}, and no password is told`, () => {
      const message = `registry ${shown}: neither a host nor an http address`;
      const told = new StatusError(StatusCode.invalidArgument, message);
      const mirrors = { "a.test": [name] };
      assert.throws(() => endpointsOf("a.test", { limits: LIMITS, mirrors }), told);
    });
  }
});

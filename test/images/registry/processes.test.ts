import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { must } from "../../../lab/command.ts";
import { until } from "../../../lab/until.ts";
import { someBytes, withRegistry } from "./fake-registry.ts";
import { withBoth } from "./pull-support.ts";

const main = fileURLToPath(
  new URL(`pull-main${path.extname(fileURLToPath(import.meta.url))}`, import.meta.url),
);

/** What each of the pulls in a process of its own ended with. */
async function pullElsewhere(directory: string, reference: string, times: number): Promise<string[]> {
  return JSON.parse(await must(process.execPath, [main, directory, reference, String(times)]));
}

const LAYERS = [someBytes(300_000, 1), someBytes(200_000, 2)];

describe("several processes that pull one image at once", () => {
  test("fetch each of its blobs once", async () => {
    await withBoth(async (registry, home) => {
      const { manifest, config, layers } = registry.putImage("test/app:1", LAYERS);
      const reference = `${registry.host}/test/app:1`;
      const elsewhere = [1, 2, 3, 4].map(() => pullElsewhere(home.directory, reference, 5));
      assert.deepEqual([...new Set((await Promise.all(elsewhere)).flat())], [manifest]);
      assert.deepEqual(
        [config, ...layers].map((digest) => registry.count(digest)),
        [1, 1, 1],
      );
      assert.ok(registry.count("/manifests/1") <= 4);
    });
  });

  test("share the error of the one that fetches", async () => {
    await withBoth(async (registry, home) => {
      const { layers } = registry.putImage("test/app:1", [LAYERS[0] ?? Buffer.alloc(0)]);
      const [digest = "sha256:"] = layers;
      const locks = path.join(home.directory, "locks");
      const isWaitedFor = () => fs.readdirSync(locks).some((name) => name.endsWith(".waiting")) || undefined;
      registry.intercept = ({ url = "" }, response) => {
        if (!url.endsWith(digest)) return false;
        void until("the other process to wait", isWaitedFor).finally(() => response.writeHead(404).end());
        return true;
      };
      const reference = `${registry.host}/test/app:1`;
      const pulled = home.pull(reference).catch((thrown) => thrown.message);
      await until("the blob to be asked for", () => registry.count(digest) > 0 || undefined);
      const elsewhere = pullElsewhere(home.directory, reference, 1);
      const told = `registry ${registry.host} has no blob ${digest}`;
      assert.deepEqual([await pulled, await elsewhere], [told, [told]]);
      assert.equal(registry.count(digest), 1);
    });
  });

  test("share no error of a registry with who asks another, and only one asks at a time", async () => {
    await withRegistry(async (bad) => {
      await withBoth(async (good, home) => {
        const [layer = Buffer.alloc(0)] = LAYERS;
        const { layers, manifest } = good.putImage("test/app:1", [layer]);
        const [digest = "sha256:"] = layers;
        bad.putImage("test/app:1", [layer]);
        const locks = path.join(home.directory, "locks");
        const isWaitedFor = () =>
          fs.readdirSync(locks).some((name) => name.endsWith(".waiting")) || undefined;
        bad.intercept = ({ url = "" }, response) => {
          if (!url.endsWith(digest)) return false;
          const answer = () => response.end(Buffer.alloc(layer.length));
          void until("the other process to wait", isWaitedFor).finally(answer);
          return true;
        };
        const wrong = home.pull(`${bad.host}/test/app:1`).catch((thrown) => thrown.message);
        await until("the blob to be asked for", () => bad.count(digest) > 0 || undefined);
        const right = [home.pull(`${good.host}/test/app:1`).then((record) => record.target.digest)];
        const elsewhere = pullElsewhere(home.directory, `${good.host}/test/app:1`, 2);
        assert.match(await wrong, /is not what came under its name/);
        assert.deepEqual([...(await Promise.all(right)), ...(await elsewhere)], Array(3).fill(manifest));
        assert.deepEqual([bad.count(digest), good.count(digest)], [1, 1]);
      });
    });
  });

  test("go on with what one of them had when it was killed", async () => {
    await withBoth(async (registry, home) => {
      const { manifest, layers } = registry.putImage("test/app:1", [LAYERS[0] ?? Buffer.alloc(0)]);
      const [digest = "sha256:"] = layers;
      registry.intercept = ({ url = "" }, response) => {
        if (!url.endsWith(digest)) return false;
        response.writeHead(200, { "content-length": 300_000 });
        response.write(registry.blobs.get(digest)?.subarray(0, 100_000));
        return true;
      };
      const reference = `${registry.host}/test/app:1`;
      const child = spawn(process.execPath, [main, home.directory, reference], { stdio: "ignore" });
      const ended = new Promise((resolve) => child.once("exit", resolve));
      await until("some of the blob", () => (home.sizeOfPart(digest) === 100_000 ? true : undefined));
      child.kill("SIGKILL");
      await ended;
      registry.intercept = () => false;
      assert.equal((await home.pull(reference)).target.digest, manifest);
      const ranges = registry.requests
        .filter(({ path }) => path.endsWith(digest))
        .map((one) => one.headers.range);
      assert.deepEqual(ranges, [undefined, "bytes=100000-"]);
    });
  });
});

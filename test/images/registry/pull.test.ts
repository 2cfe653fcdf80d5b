import assert from "node:assert/strict";
import type http from "node:http";
import { describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import { StatusCode, StatusError } from "../../../src/base/status.ts";
import { digestOf } from "../../../src/images/digest.ts";
import { readImage } from "../../../src/images/image.ts";
import { hostPlatform, platformName } from "../../../src/images/platform.ts";
import { countOpenFiles } from "../../support/files.ts";
import { status } from "../../support/status.ts";
import { type FakeRegistry, LIMITS, someBytes } from "./fake-registry.ts";
import { bytesOf, makeHome, statesOf, withBoth } from "./pull-support.ts";

const LAYERS = [someBytes(300_000, 1), someBytes(500, 2)];

/** Where nobody listens. */
const NOBODY = "127.0.0.1:2";

/** What part each request for a blob was for. */
function rangesOf(registry: FakeRegistry, digest: string): (string | undefined)[] {
  return registry.requests.filter(({ path }) => path.endsWith(digest)).map(({ headers }) => headers.range);
}

describe("pulling an image", () => {
  test("brings all of it, and records it under its whole name", async () => {
    await withBoth(async (registry, home) => {
      const { manifest, layers } = registry.putImage("test/app:1", LAYERS);
      const record = await home.pull(`${registry.host}/test/app:1`);
      assert.equal(record.reference, `${registry.host}/test/app:1`);
      assert.equal(record.target.digest, manifest);
      assert.deepEqual(await home.images.get(record.reference), record);
      const image = await readImage(home.store, record.target, hostPlatform());
      assert.deepEqual(
        image.layers.map(({ digest }) => digest),
        layers,
      );
      for (const digest of layers) assert.equal(home.sizeOfPart(digest), undefined);
    });
  });

  test("takes the manifest of an index that is for this host", async () => {
    await withBoth(async (registry, home) => {
      const other = registry.putImage("test/app:other", [someBytes(10, 3)]);
      const ours = registry.putImage("test/app:ours", LAYERS);
      const platforms = { "linux/pdp11": other.manifest, [platformName(hostPlatform())]: ours.manifest };
      const index = registry.putIndex("test/app:1", platforms);
      const record = await home.pull(`${registry.host}/test/app:1`);
      assert.equal(record.target.digest, index);
      assert.equal(registry.count(other.manifest), 0);
      assert.ok(await home.store.has(ours.manifest));
    });
  });

  test("says which platforms there are where none is this host's, and records nothing", async () => {
    await withBoth(async (registry, home) => {
      const other = registry.putImage("test/app:other", LAYERS);
      registry.putIndex("test/app:1", { "linux/pdp11": other.manifest });
      const pulled = home.pull(`${registry.host}/test/app:1`);
      await assert.rejects(pulled, status(StatusCode.notFound, /there is linux\/pdp11$/));
      assert.deepEqual(await home.images.list(), []);
    });
  });

  test("takes an image by its digest", async () => {
    await withBoth(async (registry, home) => {
      const { manifest } = registry.putImage("test/app:1", LAYERS);
      const record = await home.pull(`${registry.host}/test/app@${manifest}`);
      assert.equal(record.reference, `${registry.host}/test/app@${manifest}`);
      assert.equal(registry.count("/manifests/1"), 0);
    });
  });

  test("fetches nothing again but the manifest that a tag stands for", async () => {
    await withBoth(async (registry, home) => {
      registry.putImage("test/app:1", LAYERS);
      await home.pull(`${registry.host}/test/app:1`);
      registry.requests.length = 0;
      home.events.length = 0;
      await home.pull(`${registry.host}/test/app:1`);
      assert.deepEqual(
        registry.requests.map(({ path }) => path),
        ["/v2/test/app/manifests/1"],
      );
    });
  });

  test("costs about one where twenty pull it at once", async () => {
    await withBoth(async (registry, home) => {
      const { manifest, config, layers } = registry.putImage("test/app:ours", LAYERS);
      registry.putIndex("test/app:1", { [platformName(hostPlatform())]: manifest });
      const pulls = Array.from({ length: 20 }, () => home.pull(`${registry.host}/test/app:1`));
      await Promise.all(pulls);
      const counts = [manifest, config, ...layers].map((digest) => registry.count(digest));
      assert.deepEqual(counts, [1, 1, 1, 1]);
      assert.equal(registry.count("/manifests/1"), 1);
    });
  });

  test("has all who wait for the same share its error", async () => {
    await withBoth(async (registry, home) => {
      const { layers } = registry.putImage("test/app:1", LAYERS);
      registry.blobs.delete(layers[0] ?? "sha256:");
      const pulls = Array.from({ length: 5 }, () => home.pull(`${registry.host}/test/app:1`));
      const told = new RegExp(`^registry ${registry.host} has no blob ${layers[0]}$`);
      for (const one of pulls) await assert.rejects(one, status(StatusCode.notFound, told));
      assert.equal(registry.count(layers[0] ?? ""), 1);
      assert.deepEqual(await home.images.list(), []);
    });
  });

  test("refuses a layer that registries do not give out, before anything of it is fetched", async () => {
    for (const type of [
      "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
      "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ]) {
      await withBoth(async (registry, home) => {
        const { layers } = registry.putImage("test/app:1", LAYERS, type);
        const told = new RegExp(`layer ${layers[0]} is one that registries do not give out`);
        const pulled = home.pull(`${registry.host}/test/app:1`);
        await assert.rejects(pulled, status(StatusCode.unimplemented, told));
        assert.equal(registry.count(layers[1] ?? ""), 0);
      });
    }
  });

  test("tells of bytes that are not what their digest says, and keeps none of them", async () => {
    await withBoth(async (registry, home) => {
      const { layers } = registry.putImage("test/app:1", [LAYERS[0] ?? Buffer.alloc(0)]);
      const [digest = "sha256:"] = layers;
      registry.blobs.set(digest, someBytes(300_000, 9));
      const pulled = home.pull(`${registry.host}/test/app:1`);
      await assert.rejects(pulled, status(StatusCode.dataLoss, new RegExp(`${digest} is not what came`)));
      assert.equal(home.sizeOfPart(digest), undefined);
      assert.ok(!(await home.store.has(digest)));
    });
  });

  test("tells of a blob of another size by both sizes, and keeps nothing of it", async () => {
    for (const length of [299_999, 300_001]) {
      await withBoth(async (registry, home) => {
        const { layers } = registry.putImage("test/app:1", [LAYERS[0] ?? Buffer.alloc(0)]);
        const [digest = "sha256:"] = layers;
        registry.blobs.set(digest, someBytes(length, 1));
        const pulled = home.pull(`${registry.host}/test/app:1`);
        const told = new RegExp(`has ${length} bytes, not the 300000 that blob ${digest} is to have$`);
        await assert.rejects(pulled, status(StatusCode.dataLoss, told));
        assert.equal(home.sizeOfPart(digest), undefined);
      });
    }
  });

  test("goes on where it stopped, on the next time", async () => {
    await withBoth(
      async (registry, home) => {
        const { layers } = registry.putImage("test/app:1", [LAYERS[0] ?? Buffer.alloc(0)]);
        const [digest = "sha256:"] = layers;
        registry.intercept = ({ url = "" }, response) => {
          if (!url.endsWith(digest)) return false;
          response.writeHead(200, { "content-length": 300_000 });
          response.write(registry.blobs.get(digest)?.subarray(0, 100_000));
          // What came just before a connection breaks need not be seen by who reads from it.
          void until("the bytes", () => bytesOf(home.events, digest) === 100_000 || undefined).finally(() =>
            response.destroy(),
          );
          return true;
        };
        await assert.rejects(
          home.pull(`${registry.host}/test/app:1`),
          status(StatusCode.unavailable, /broke/),
        );
        registry.intercept = () => false;
        await home.pull(`${registry.host}/test/app:1`);
        assert.deepEqual(rangesOf(registry, digest), [undefined, "bytes=100000-"]);
      },
      () => ({ limits: { ...LIMITS, retries: 0 } }),
    );
  });

  test("ends at once when it is cancelled, wherever it is, and closes its connections", async () => {
    const hanging = ["/manifests/1", "blobs"];
    for (const place of hanging) {
      await withBoth(async (registry, home) => {
        registry.putImage("test/app:1", LAYERS);
        let isHanging = false;
        registry.intercept = (request) => {
          if (!request.url?.includes(place)) return false;
          isHanging = true;
          return true;
        };
        const aborter = new AbortController();
        const pulled = home.pull(`${registry.host}/test/app:1`, aborter.signal);
        pulled.catch(() => {});
        await until("a request that hangs", () => isHanging || undefined);
        aborter.abort(new StatusError(StatusCode.cancelled, "enough"));
        await assert.rejects(pulled, status(StatusCode.cancelled, /^enough$/));
        await until("no connection", () => registry.connections === 0 || undefined);
        assert.deepEqual(await home.images.list(), []);
      });
    }
  });

  test("leaves no descriptor and no connection, whether it succeeds, fails or is cancelled", async () => {
    await withBoth(async (registry, home) => {
      const { layers } = registry.putImage("test/app:1", LAYERS);
      registry.putImage("test/broken:1", [someBytes(100, 5)]);
      registry.blobs.delete(digestOf(someBytes(100, 5)));
      const attempt = async () => {
        const aborter = new AbortController();
        registry.intercept = ({ url = "" }) => {
          if (url.endsWith(layers[0] ?? "")) aborter.abort(new StatusError(StatusCode.cancelled, "enough"));
          return aborter.signal.aborted;
        };
        await assert.rejects(home.pull(`${registry.host}/test/app:1`, aborter.signal), /enough/);
        registry.intercept = () => false;
        await assert.rejects(home.pull(`${registry.host}/test/broken:1`), /has no blob/);
        await home.pull(`${registry.host}/test/app:1`);
        for (const digest of layers) await home.store.remove(digest);
        await until("no connection", () => registry.connections === 0 || undefined);
      };
      // What a runtime opens for itself it opens the first time.
      await attempt();
      const before = countOpenFiles();
      await attempt();
      await until("no descriptor more", () => countOpenFiles() <= before || undefined);
    });
  });

  test("disturbs nobody else who waits for the same when it is cancelled", async () => {
    await withBoth(async (registry, home) => {
      registry.putImage("test/app:1", LAYERS);
      const held: http.ServerResponse[] = [];
      registry.intercept = ({ url = "" }, response) => {
        if (!url.includes("/blobs/") || held.length >= LIMITS.blobsAtOnce) return false;
        held.push(response);
        return true;
      };
      const aborter = new AbortController();
      const first = home.pull(`${registry.host}/test/app:1`, aborter.signal);
      const second = home.pull(`${registry.host}/test/app:1`);
      first.catch(() => {});
      await until("requests that hang", () => held.length === LIMITS.blobsAtOnce || undefined);
      aborter.abort(new StatusError(StatusCode.cancelled, "enough"));
      await assert.rejects(first, status(StatusCode.cancelled, /^enough$/));
      for (const response of held) response.destroy();
      await second;
    });
  });

  test("tells of each layer what happens to it, and of the whole", async () => {
    await withBoth(async (registry, home) => {
      const { layers } = registry.putImage("test/app:1", LAYERS);
      const [digest = "", other = ""] = layers;
      let failures = 1;
      registry.intercept = ({ url = "" }, response) => {
        if (!url.endsWith(digest) || failures-- <= 0) return false;
        response.writeHead(503).end();
        return true;
      };
      await home.pull(`${registry.host}/test/app:1`);
      assert.deepEqual(statesOf(home.events, digest), [
        "waiting",
        "fetching",
        "retrying",
        "fetching",
        "done",
      ]);
      assert.deepEqual(statesOf(home.events, other), ["waiting", "fetching", "done"]);
      assert.deepEqual(home.events.at(-1), { kind: "total", bytes: 300_500, size: 300_500 });
      home.events.length = 0;
      await home.pull(`${registry.host}/test/app:1`);
      assert.deepEqual(statesOf(home.events, digest), ["waiting", "exists"]);
    });
  });

  test("calls a layer stalled whose request is open and gives no byte, and asks for it again", async () => {
    await withBoth(
      async (registry, home) => {
        const { layers } = registry.putImage("test/app:1", [LAYERS[0] ?? Buffer.alloc(0)]);
        const [digest = "sha256:"] = layers;
        let stalls = 1;
        registry.intercept = ({ url = "" }, response) => {
          if (!url.endsWith(digest) || stalls-- <= 0) return false;
          response.writeHead(200, { "content-length": 300_000 });
          response.write(registry.blobs.get(digest)?.subarray(0, 100_000));
          return true;
        };
        await home.pull(`${registry.host}/test/app:1`);
        const states = ["waiting", "fetching", "stalled", "retrying", "fetching", "done"];
        assert.deepEqual(statesOf(home.events, digest), states);
        assert.deepEqual(rangesOf(registry, digest), [undefined, "bytes=100000-"]);
      },
      () => ({ limits: { ...LIMITS, stallMs: 1_000 } }),
    );
  });
});

describe("mirrors", () => {
  test("are asked in their order, and the registry itself when they have nothing", async () => {
    await withBoth(async (registry, home) => {
      await withBoth(async (mirror) => {
        const { layers } = registry.putImage("test/app:1", LAYERS);
        mirror.putImage("test/app:1", LAYERS);
        mirror.blobs.delete(layers[0] ?? "sha256:");
        const mirrors = { "registry.test": [NOBODY, mirror.host, registry.host] };
        const ours = makeHome(home.directory, { mirrors });
        await ours.pull("registry.test/test/app:1");
        assert.equal(registry.count("/manifests/1"), 0);
        assert.equal(registry.count(layers[0] ?? ""), 1);
        assert.equal(mirror.count(layers[1] ?? ""), 1);
      });
    });
  });

  test("that give out wrong bytes are passed over", async () => {
    await withBoth(async (registry, home) => {
      await withBoth(async (mirror) => {
        const { layers } = registry.putImage("test/app:1", LAYERS);
        mirror.putImage("test/app:1", LAYERS);
        mirror.blobs.set(layers[0] ?? "sha256:", someBytes(300_000, 9));
        const mirrors = { "registry.test": [mirror.host, registry.host] };
        await makeHome(home.directory, { mirrors }).pull("registry.test/test/app:1");
        assert.ok(await home.store.has(layers[0] ?? "sha256:"));
      });
    });
  });

  test("that fail are told of one by one, and the registry last", async () => {
    await withBoth(async (registry, home) => {
      const mirrors = { [registry.host]: [NOBODY] };
      const pulled = makeHome(home.directory, { mirrors }).pull(`${registry.host}/test/app:1`);
      const first = `cannot reach registry ${NOBODY}: nobody listens there`;
      const told = new RegExp(`^${first}; registry ${registry.host} has no test/app:1$`);
      await assert.rejects(pulled, status(StatusCode.notFound, told));
    });
  });
});

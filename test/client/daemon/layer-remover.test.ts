import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, describe, test } from "node:test";
import PQueue from "p-queue";
import { until } from "../../../lab/until.ts";
import { LayerRemover } from "../../../src/client/daemon/layer-remover.ts";
import { readProcessStat } from "../../../src/linux/process-stat.ts";
import { keysOf } from "../../../src/rootfs/backing.ts";
import { PendingReleases } from "../../../src/rootfs/pending.ts";
import { scratchDir } from "../support.ts";

const root = scratchDir();
let made = 0;

function newRemover() {
  made += 1;
  const directory = path.join(root, String(made), "containers");
  const runDirectory = path.join(root, String(made), "run");
  mkdirSync(directory, { recursive: true });
  const problems: string[] = [];
  const remover = new LayerRemover({
    ...{ runDirectory, limits: { layerMs: 10_000, backOff: { firstMs: 5, maxMs: 20 } } },
    disk: new PQueue(),
    onProblem: (_, { message }) => problems.push(message),
  });
  after(() => remover.close());
  const layer = (name: string) => {
    const dir = path.join(directory, name);
    mkdirSync(path.join(dir, "upper/deep"), { recursive: true });
    writeFileSync(path.join(dir, "upper/deep/file"), "x");
    return dir;
  };
  return { remover, directory, problems, layer, pending: new PendingReleases(runDirectory) };
}

/** Puts down that this process releases the overlay of a layer; what is returned ends that. */
async function release(pending: PendingReleases, dir: string): Promise<() => void> {
  const upper = path.join(dir, "upper");
  const options = [`upperdir=${upper}`];
  const [key = ""] = await keysOf([{ type: "overlay", source: "", target: "", options }]);
  const helper = { pid: process.pid, startTime: readProcessStat(process.pid)?.startTime ?? 0 };
  return pending.add({
    ...{ namespace: "n", id: "c", mode: "deferred", kind: "overlay", mountPoint: "/m", mountId: 1 },
    ...{ mounted: "0:1", source: upper, key, device: "7:0", since: new Date().toISOString(), helper },
  });
}

describe("the remover of layers", () => {
  test("removes one with all that is in it", async () => {
    const { remover, layer } = newRemover();
    const dir = layer("a");
    remover.add(dir);
    remover.add(dir);
    await until("it to be gone", () => (remover.waiting.length === 0 ? true : undefined));
    assert.equal(existsSync(dir), false);
  });

  test("waits for the release of one, by whatever name it goes by now, and meanwhile removes others", async () => {
    const { remover, problems, layer, pending } = newRemover();
    const [held, free] = [layer("held"), layer("free")];
    const end = await release(pending, held);
    remover.add(held);
    remover.add(free);
    await until("the other to be gone", () => (existsSync(free) ? undefined : true));
    await until("an attempt", () => (problems.length > 0 ? true : undefined));
    assert.match(problems[0] ?? "", /held\/upper is still being released by pid \d+/);
    await until("the other to be done", () => (remover.waiting.length === 1 ? true : undefined));
    assert.deepEqual(remover.waiting, [held]);
    assert.ok(existsSync(path.join(held, "upper/deep/file")));
    end();
    await until("it to be gone", () => (existsSync(held) ? undefined : true));
  });

  test("takes up what an earlier one has left", async () => {
    const { remover, layer, directory } = newRemover();
    const left = [layer("x.1"), layer("y.2")];
    remover.resume(async () => left);
    await until("them to be gone", () => (readdirSync(directory).length === 0 ? true : undefined));
  });

  test("leaves what it has not come to where it is when it is closed", async () => {
    const { remover, layer, pending, problems } = newRemover();
    const held = layer("held");
    await release(pending, held);
    remover.add(held);
    await until("an attempt", () => (problems.length > 0 ? true : undefined));
    remover.close();
    assert.ok(existsSync(held));
  });
});

import assert from "node:assert/strict";
import { mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { ContainerLayers } from "../../../src/client/daemon/container-layers.ts";
import { ContainerRecords } from "../../../src/client/daemon/container-records.ts";
import { containerUses } from "../../../src/client/images/container-uses.ts";
import { scratchDir } from "../support.ts";
import { configOf } from "./fake-supervisor.ts";

const root = scratchDir();

/** A container on record in a state directory, with its layer. */
async function add(state: string, layers: ContainerLayers, id: string) {
  const records = new ContainerRecords(path.join(root, state));
  await records.prepare();
  const layer = layers.place(id);
  await records.add(configOf(id), layer);
  await layers.make(layer, records.directory(id));
  return { records, layer };
}

describe("the layers of containers", () => {
  test("are orphans once their records are gone, those of this state directory alone", async () => {
    const layers = new ContainerLayers(path.join(root, "images"));
    const { records, layer } = await add("a", layers, "gone");
    const other = await add("b", layers, "gone");
    await add("a", layers, "kept");
    await records.discard("gone");
    await other.records.discard("gone");
    await add("a", layers, "gone");
    assert.deepEqual(await layers.orphans(records.all), [layer]);
    assert.deepEqual(await layers.orphans(other.records.all), [other.layer]);
  });

  test("stay where another directory has come to the place of the records, until the next boot", async () => {
    const layers = new ContainerLayers(path.join(root, "hidden"));
    const { records, layer } = await add("h", layers, "runs");
    renameSync(records.all, `${records.all}-below`);
    mkdirSync(records.all);
    assert.deepEqual(await layers.orphans(records.all), []);
    const owner = path.join(layer, "owner");
    const [, ...rest] = readlinkSync(owner).split(":");
    rmSync(owner);
    symlinkSync(["another-boot", ...rest].join(":"), owner);
    assert.deepEqual(await layers.orphans(records.all), [layer]);
  });

  test("are in use by whatever name the directory of the images goes", async () => {
    mkdirSync(path.join(root, "disk"));
    symlinkSync(path.join(root, "disk"), path.join(root, "link"));
    const { records } = await add("c", new ContainerLayers(path.join(root, "disk")), "runs");
    const byLink = path.join(root, "link");
    assert.deepEqual(await new ContainerLayers(byLink).orphans(records.all), []);
    assert.deepEqual(
      (await containerUses(byLink)).map(({ id }) => id),
      ["runs"],
    );
  });
});

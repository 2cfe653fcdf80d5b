import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { until } from "../../../lab/until.ts";
import { noContainers } from "../support.ts";
import { makeEbbPlace } from "./ebb.ts";

const place = makeEbbPlace("ebb-test-no-runc");

/** A directory with all programs of this host but the OCI runtimes. */
function othersThanRunc(): string {
  const bin = path.join(path.dirname(place.stateDir), "bin");
  mkdirSync(bin);
  const found = new Set<string>(["runc", "crun"]);
  for (const dir of (process.env.PATH ?? "").split(":").filter((name) => existsSync(name))) {
    for (const name of readdirSync(dir)) {
      if (!found.has(name)) symlinkSync(path.join(dir, name), path.join(bin, name));
      found.add(name);
    }
  }
  return bin;
}

test("where there is no runc, ebb run says so in one line, and nothing is left", {
  skip: noContainers,
}, async () => {
  const env = { PATH: othersThanRunc() };
  const { status, stdout, stderr } = await place.run(
    ["run", "--rootfs", place.rootfs, "--", "true"],
    "",
    env,
  );
  assert.deepEqual([status, stdout], [125, ""]);
  assert.match(stderr, /^ebb: runc not found in PATH=\S+: install it, .*\n$/);
  assert.equal((await place.run(["ps", "-aq"], "", env)).stdout, "");
  const layers = path.join(place.imagesDir, "containers");
  await until("what was made to be gone", () => (readdirSync(layers).length === 0 ? true : undefined));
  assert.deepEqual(await place.leftovers([]), []);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../../../lab/until.ts";
import { noContainers } from "../support.ts";
import { fakeShimsPlace } from "./fake-shims.ts";

const OTHERS = 200;
/** The longest that 99 of 100 readers may take, in milliseconds. */
const LIST_MS = 5;

const { shims, place } = fakeShimsPlace("busy");

test(`${OTHERS} containers live and die, and are listed at once, while the Delete of another hangs for ever`, {
  skip: noContainers,
}, async (t) => {
  await shims.serve();
  const supervisor = await place.open();
  shims.task.delete = async ({ id }) => {
    if (id === "stuck") return new Promise(() => {});
    shims.deleted.push(id);
    return {};
  };
  const times: number[] = [];
  const list = () => {
    const before = performance.now();
    const views = supervisor.list();
    times.push(performance.now() - before);
    return views;
  };
  const reader = setInterval(list, 1);
  const live = async (id: string) => {
    await supervisor.create(place.config(id, ["true"]));
    list();
    await supervisor.start(id);
  };
  await live("stuck");
  await shims.end("stuck", 1);
  const ids = Array.from({ length: OTHERS }, (_, n) => `c${n}`);
  await Promise.all(
    Array.from({ length: 4 }, async (_, worker) => {
      for (const id of ids.filter((_, n) => n % 4 === worker)) await live(id);
    }),
  );
  assert.equal(list().length, OTHERS + 1);
  for (const [n, id] of ids.entries()) {
    await shims.end(id, n % 100);
    // The shim was told that its event is taken: then everybody sees it.
    const one = list().find(({ config }) => config.id === id);
    assert.deepEqual([one?.status.phase, one?.status.ending?.exitStatus], ["stopped", n % 100]);
  }
  await Promise.all(ids.map((id) => supervisor.remove(id, { force: false })));
  assert.deepEqual(
    list().map(({ config }) => config.id),
    ["stuck"],
  );
  assert.deepEqual([...shims.deleted].sort(), [...ids].sort());
  assert.equal(supervisor.find("stuck").status.ending?.exitStatus, 1);
  clearInterval(reader);
  times.sort((a, b) => a - b);
  const p99 = times[Math.floor(times.length * 0.99)] ?? Number.NaN;
  t.diagnostic(`${times.length} lists: p99 ${p99.toFixed(3)} ms`);
  assert.ok(p99 < LIST_MS, `p99 is ${p99} ms`);
  await supervisor.close();
  await until("the layers to be gone", async () =>
    (await place.leftovers([])).length === 0 ? true : undefined,
  );
});

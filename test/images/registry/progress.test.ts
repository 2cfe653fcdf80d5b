import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode, StatusError } from "../../../src/base/status.ts";
import { digestOf } from "../../../src/images/digest.ts";
import { type PullEvent, PullProgress } from "../../../src/images/registry/progress.ts";

const [A, B] = [digestOf("a"), digestOf("b")];
const LAYERS = [
  { mediaType: "any", digest: A, size: 1000 },
  { mediaType: "any", digest: B, size: 0 },
];

/** The progress of both layers, and what is told of the first from then on. */
function begin() {
  const events: PullEvent[] = [];
  const progress = new PullProgress((event) => events.push(event));
  progress.begin("registry.test/app:1", digestOf("image"), LAYERS);
  const told = () =>
    events.flatMap((event) =>
      event.kind === "layer" && event.digest === A ? [`${event.state} ${event.bytes}`] : [],
    );
  return { events, progress, told, layer: progress.layer(A) };
}

describe("the progress of a pull", () => {
  test("begins with what there is to fetch, all of it waiting", () => {
    const { events } = begin();
    const layers = LAYERS.map(({ digest, size }) => ({ digest, size }));
    const [first] = events;
    assert.deepEqual(first, {
      kind: "layers",
      reference: "registry.test/app:1",
      digest: digestOf("image"),
      layers,
    });
    assert.deepEqual(events.at(-1), { kind: "total", bytes: 0, size: 1000 });
  });

  test("tells of bytes in parts that somebody can see", () => {
    const { layer, told } = begin();
    layer?.to("fetching");
    for (let bytes = 1; bytes <= 20; bytes += 1) layer?.at(bytes);
    assert.deepEqual(told(), [
      "waiting 0",
      "fetching 0",
      "fetching 5",
      "fetching 10",
      "fetching 15",
      "fetching 20",
    ]);
  });

  test("calls a layer back that stalled as soon as one byte comes, and says why it is asked for again", () => {
    const { events, layer, told } = begin();
    layer?.to("fetching");
    layer?.to("stalled");
    layer?.to("retrying", new StatusError(StatusCode.unavailable, "it broke"));
    const why = events.findLast((event) => event.kind === "layer");
    assert.equal(why?.kind === "layer" && why.reason, "it broke");
    layer?.at(1);
    assert.equal(told().at(-1), "fetching 1");
  });

  test("counts what is there or done as a whole, also a layer of nothing", () => {
    const { events, progress, layer } = begin();
    layer?.to("exists");
    progress.layer(B)?.at(0);
    progress.layer(B)?.to("done");
    assert.deepEqual(events.at(-1), { kind: "total", bytes: 1000, size: 1000 });
  });
});

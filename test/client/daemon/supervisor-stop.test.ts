import assert from "node:assert/strict";
import { test } from "node:test";
import { StatusCode, StatusError } from "../../../src/base/status.ts";
import { noContainers } from "../support.ts";
import { fakeShimsPlace } from "./fake-shims.ts";

const { shims, place } = fakeShimsPlace("stop");

test("a container that ends before it can be resumed is stopped all the same", {
  skip: noContainers,
}, async () => {
  await shims.serve();
  const supervisor = await place.open();
  await supervisor.create(place.config("c", ["true"]));
  await supervisor.start("c");
  await shims.tell(["TaskPaused", { containerId: "c" }]);
  assert.equal(supervisor.find("c").status.phase, "paused");
  // What containerd's shim says.
  shims.task.resume = async () => {
    throw new StatusError(StatusCode.unknown, "cannot resume a stopped container");
  };
  assert.equal((await supervisor.stop("c", { graceMs: 10_000 })).exitStatus, 128 + 15);
  await supervisor.remove("c", { force: false });
  await supervisor.close();
});

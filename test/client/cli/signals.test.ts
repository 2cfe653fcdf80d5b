import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { until } from "../../../lab/until.ts";
import { forwardSignals, signalNumber } from "../../../src/client/cli/signals.ts";

let stop = () => {};
afterEach(() => stop());

/** Forwards to nowhere; what would have been done is in the list. */
function record(running: () => boolean): string[] {
  const done: string[] = [];
  stop = forwardSignals({
    forward: (signal) => done.push(`forward ${signal}`),
    abort: (name) => done.push(`abort ${name}`),
    running,
  });
  return done;
}

/** Sends signals to this very process, each after the one before was heard. */
async function send(done: readonly string[], ...names: NodeJS.Signals[]): Promise<void> {
  for (const name of names) {
    const before = done.length;
    process.kill(process.pid, name);
    await until(name, () => (done.length > before ? true : undefined));
  }
}

describe("a signal to ebb run", () => {
  const forwarded: [name: NodeJS.Signals, number: number][] = [
    ["SIGINT", 2],
    ["SIGTERM", 15],
    ["SIGHUP", 1],
    ["SIGQUIT", 3],
    ["SIGUSR1", 10],
    ["SIGUSR2", 12],
    ["SIGCONT", 18],
    ["SIGALRM", 14],
  ];
  for (const [name, number] of forwarded) {
    test(`${name} goes to the container by its number`, async () => {
      const done = record(() => true);
      await send(done, name);
      assert.deepEqual(done, [`forward ${number}`]);
      assert.equal(signalNumber(name), number);
    });
  }

  test("that asks for the end for the third time goes as SIGKILL", async () => {
    const done = record(() => true);
    await send(done, "SIGINT", "SIGTERM", "SIGINT", "SIGINT");
    assert.deepEqual(done, ["forward 2", "forward 15", "forward 9", "forward 9"]);
  });

  test("that asks for no end is never counted", async () => {
    const done = record(() => true);
    await send(done, "SIGUSR1", "SIGUSR1", "SIGUSR1", "SIGUSR1", "SIGINT");
    assert.deepEqual(done.at(-1), "forward 2");
  });

  test("ends the run while there is no container", async () => {
    const done = record(() => false);
    await send(done, "SIGINT", "SIGHUP");
    assert.deepEqual(done, ["abort SIGINT", "abort SIGHUP"]);
  });

  test("that asks for no end is dropped while there is no container", async () => {
    const done = record(() => false);
    process.kill(process.pid, "SIGUSR1");
    await send(done, "SIGTERM");
    assert.deepEqual(done, ["abort SIGTERM"]);
  });

  test("counts from before the container ran", async () => {
    let running = false;
    const done = record(() => running);
    await send(done, "SIGINT");
    running = true;
    await send(done, "SIGINT", "SIGINT");
    assert.deepEqual(done, ["abort SIGINT", "forward 2", "forward 9"]);
  });

  test("has no listener left once the run is over", () => {
    const before = process.listenerCount("SIGUSR2");
    record(() => true);
    assert.equal(process.listenerCount("SIGUSR2"), before + 1);
    stop();
    assert.equal(process.listenerCount("SIGUSR2"), before);
  });
});

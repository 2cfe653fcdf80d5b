import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, test } from "node:test";
import {
  type CallerStreams,
  CallerTerminal,
  type WindowSize,
} from "../../../src/client/cli/caller-terminal.ts";

/** A terminal that notes what is done with it. */
function fakeStreams(isTTY = true) {
  const raw: boolean[] = [];
  const stdout = Object.assign(new EventEmitter(), { isTTY, columns: 80, rows: 25 });
  const stdin = { isTTY, setRawMode: (on: boolean) => void raw.push(on) };
  return { raw, stdout, streams: { stdin, stdout } as unknown as CallerStreams };
}

describe("the terminal of who called", () => {
  test("hands over its keys as they are, and each new size, until it is given back", () => {
    const { raw, stdout, streams } = fakeStreams();
    const sizes: (WindowSize | undefined)[] = [];
    const terminal = new CallerTerminal(streams);
    assert.deepEqual(terminal.size, { width: 80, height: 25 });
    terminal.lend({ keys: true, onResize: () => sizes.push(terminal.size) });
    assert.deepEqual(raw, [true]);
    stdout.columns = 132;
    stdout.emit("resize");
    terminal.giveBack();
    terminal.giveBack();
    stdout.emit("resize");
    assert.deepEqual(raw, [true, false]);
    assert.deepEqual(sizes, [{ width: 132, height: 25 }]);
    assert.equal(stdout.listenerCount("resize"), 0);
  });

  test("is given back also where the process just exits", () => {
    const { raw, streams } = fakeStreams();
    const before = process.listenerCount("exit");
    const terminal = new CallerTerminal(streams);
    terminal.lend({ keys: true, onResize: () => {} });
    const restore = process.listeners("exit").at(-1) as () => void;
    restore();
    assert.deepEqual(raw, [true, false]);
    assert.equal(process.listenerCount("exit"), before);
  });

  test("keeps its keys where nobody wants them", () => {
    const { raw, streams } = fakeStreams();
    const terminal = new CallerTerminal(streams);
    terminal.lend({ keys: false, onResize: () => {} });
    terminal.giveBack();
    assert.deepEqual(raw, []);
  });

  test("has no size and no keys where it is none", () => {
    const { raw, streams } = fakeStreams(false);
    const terminal = new CallerTerminal(streams);
    assert.equal(terminal.size, undefined);
    terminal.lend({ keys: true, onResize: () => {} });
    terminal.giveBack();
    assert.deepEqual(raw, []);
  });
});

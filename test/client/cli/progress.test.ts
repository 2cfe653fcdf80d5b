import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { describe, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { barProgress } from "../../../src/client/cli/progress/bar-progress.ts";
import { lineProgress } from "../../../src/client/cli/progress/line-progress.ts";
import { jsonProgress } from "../../../src/client/cli/progress/progress-view.ts";
import type { ImageEvent, LayerPhase } from "../../../src/client/images.ts";

const digestOf = (letter: string) => `sha256:${letter.repeat(64)}`;
const [first, second] = [digestOf("a"), digestOf("b")];
const found: ImageEvent = {
  kind: "layers",
  reference: "docker.io/library/x:latest",
  digest: digestOf("c"),
  layers: [
    { digest: first, size: 3 << 20 },
    { digest: second, size: 100 },
  ],
};
const layer = (digest: string, phase: LayerPhase, bytes = 0, reason?: string): ImageEvent => ({
  ...{ kind: "layer", digest, phase, bytes },
  ...(reason !== undefined && { reason }),
});
const way: readonly ImageEvent[] = [
  found,
  layer(first, "waiting"),
  layer(first, "fetching", 0),
  layer(first, "fetching", 1 << 20),
  layer(second, "done"),
  layer(first, "retrying", 1 << 20, "no byte\u001b[2J"),
  layer(first, "fetched", 3 << 20),
  layer(first, "unpacking", 1 << 20),
  layer(first, "writing", 3 << 20),
  layer(first, "done"),
];

describe("progress in lines", () => {
  test("has one for each phase that a layer comes to, and none for a number of bytes", () => {
    const lines: string[] = [];
    const view = lineProgress((line) => lines.push(line));
    for (const event of way) view.show(event);
    view.close();
    assert.deepEqual(lines, [
      "aaaaaaaaaaaa: fetching, 3 MiB",
      "bbbbbbbbbbbb: done",
      "aaaaaaaaaaaa: retrying, no byte\\x1b[2J",
      "aaaaaaaaaaaa: fetched",
      "aaaaaaaaaaaa: unpacking",
      "aaaaaaaaaaaa: done",
    ]);
  });
});

describe("progress for programs", () => {
  test("has every event as a line of JSON", () => {
    const lines: string[] = [];
    const view = jsonProgress((line) => lines.push(line));
    for (const event of way) view.show(event);
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)),
      way,
    );
  });
});

/** What stands for a terminal, and what was drawn on it. */
function terminal(rows: number) {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows });
  let drawn = "";
  stream.on("data", (chunk) => (drawn += String(chunk)));
  return { stream: stream as unknown as NodeJS.WriteStream, drawn: () => drawn };
}

describe("progress on a terminal", () => {
  const lines: string[] = [];
  const fallback = lineProgress((line) => lines.push(line));

  test("ends with a full bar for each layer, and with the cursor that was hidden", () => {
    const { stream, drawn } = terminal(24);
    const view = barProgress(stream, fallback);
    for (const event of way) view.show(event);
    view.close();
    const text = stripVTControlCharacters(drawn());
    assert.match(text, /aaaaaaaaaaaa done {6}\[={30}\] 3 MiB/);
    assert.match(text, /bbbbbbbbbbbb done {6}\[={30}\] 100 B/);
    assert.match(text, /aaaaaaaaaaaa: no byte\\x1b\[2J\n/);
    assert.equal(drawn().split("\u001b[?25h").length, drawn().split("\u001b[?25l").length);
  });

  test("shows how far a layer is when it is given up", () => {
    const { stream, drawn } = terminal(24);
    const view = barProgress(stream, fallback);
    for (const event of [found, layer(first, "fetching", 1 << 20)]) view.show(event);
    view.close();
    assert.match(
      stripVTControlCharacters(drawn()),
      /aaaaaaaaaaaa fetching {2}\[={9,10} {20,21}\] 1 MiB of 3 MiB/,
    );
  });

  test("is in lines where there are more layers than lines", () => {
    const { stream, drawn } = terminal(2);
    const view = barProgress(stream, fallback);
    for (const event of way) view.show(event);
    view.close();
    assert.equal(drawn(), "");
    assert.equal(lines.length, 6);
  });
});

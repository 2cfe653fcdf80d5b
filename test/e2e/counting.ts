/** Containers that count, so that what is lost of their output, or comes twice, is seen. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { until } from "../../lab/until.ts";
import { errnoOf } from "../../src/base/files.ts";

const { O_RDONLY, O_NONBLOCK } = fs.constants;
const MANY = 20;

/**
 * A program that begins to count when there is a file /go, until there is a file /stop, and exits with 4. How far it
 * is, whoever reads its output, is in the file of the given name.
 */
export function countingScript(name: string): string {
  return `until [ -e /go ]; do usleep 10000; done; n=0
    while [ ! -e /stop ]; do n=$((n+1)); echo $n; echo $n > /${name}; usleep 5000; done; exit 4`;
}

/** Reads a fifo, now and then, and nothing in between. */
export class FifoReader {
  readonly #file: string;
  readonly #buffer = Buffer.alloc(1 << 16);
  #fd: number;
  #text = "";

  constructor(file: string) {
    this.#file = file;
    this.#fd = fs.openSync(file, O_RDONLY | O_NONBLOCK);
  }

  /** All that has come so far. */
  text(): string {
    for (let length = this.#readSome(); length > 0; length = this.#readSome()) {
      this.#text += this.#buffer.toString("utf8", 0, length);
    }
    return this.#text;
  }

  /** Reads what is there, and leaves. */
  leave(): void {
    this.text();
    fs.closeSync(this.#fd);
  }

  comeBack(): void {
    this.#fd = fs.openSync(this.#file, O_RDONLY | O_NONBLOCK);
  }

  #readSome(): number {
    try {
      return fs.readSync(this.#fd, this.#buffer);
    } catch (err) {
      if (errnoOf(err) === "EAGAIN") return 0;
      throw err;
    }
  }
}

/** Something that counts, and what was heard of it. */
export interface Counter {
  /** The root file system that its program sees. */
  readonly rootfs: string;
  /** See {@link countingScript}. */
  readonly name: string;
  readonly text: () => string;
}

/** Waits until a counter has counted further than it was, whether that is heard or not. */
export function waitForMore({ rootfs, name }: Counter): Promise<true> {
  const count = () => Number(fs.readFileSync(path.join(rootfs, name), { encoding: "utf8", flag: "a+" }));
  const before = count();
  return until(`${name} to count on from ${before}`, () => (count() >= before + MANY ? true : undefined));
}

/** Waits until a counter was heard to count further than it is. */
export function waitToHear({ rootfs, name, text }: Counter): Promise<true> {
  const far = Number(fs.readFileSync(path.join(rootfs, name), "utf8")) + MANY;
  return until(`${name} to be heard`, () => (text().includes(`\n${far}\n`) ? true : undefined));
}

/** Whether a counter that has ended was heard to its last number. */
export function isHeard({ rootfs, name, text }: Counter): boolean {
  return text().endsWith(`\n${Number(fs.readFileSync(path.join(rootfs, name), "utf8"))}\n`);
}

/** Asserts that a counter was heard from its first to its last number, each once. */
export function assertWhole({ name, text }: Counter): void {
  const heard = text();
  const lines = heard.trimEnd().split("\n");
  const all = lines.map((_, n) => `${n + 1}`);
  assert.deepEqual([heard.endsWith("\n"), lines], [true, all], name);
}

import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import { until } from "../../lab/until.ts";
import { errnoOf } from "../../src/base/files.ts";
import { type DescriptorReader, readDescriptor } from "../../src/linux/descriptor-reader.ts";
import { loadLibc } from "../../src/linux/koffi-libc.ts";
import type { WindowSize } from "../../src/linux/stream-calls.ts";
import { openPty } from "../support/pty.ts";

/** A program that runs in a terminal of its own, with somebody at it who types, reads, and drags its corner. */
export class Terminal {
  readonly #master: number;
  readonly #reader: DescriptorReader;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number>;
  readonly #read: Promise<void>;
  /** Everything that it has shown so far, without carriage returns. */
  shown = "";

  /**
   * Starts the program, with more in its environment than this process has. The terminal is its controlling one, so
   * that the kernel tells it of a new size.
   */
  constructor(file: string, args: readonly string[], size: WindowSize, env: NodeJS.ProcessEnv = {}) {
    const { master, terminal } = openPty();
    const { streams } = loadLibc();
    streams.setWindowSize(master, size);
    streams.setNonBlocking(master);
    this.#master = master;
    this.#child = spawn("setsid", ["--ctty", file, ...args], {
      stdio: [terminal, terminal, terminal],
      env: { ...process.env, ...env },
    });
    fs.closeSync(terminal);
    this.#ended = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("exit", (code) => resolve(code ?? -1));
    });
    this.#reader = readDescriptor(master);
    this.#read = this.#readAll();
  }

  /** Types text. */
  type(text: string): void {
    fs.writeSync(this.#master, text);
  }

  /** Gives the terminal another size; the kernel sends the program SIGWINCH. */
  resize(size: WindowSize): void {
    loadLibc().streams.setWindowSize(this.#master, size);
  }

  /** Waits until the terminal shows something, and returns what was found. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    return until(`${pattern} in ${this.#child.spawnargs.join(" ")}`, () => {
      return pattern.exec(this.shown) ?? undefined;
    }).catch((error: Error) => {
      throw new Error(`${error.message}: ${JSON.stringify(this.shown)}`);
    });
  }

  /** The program's exit status, once it has ended and everything that it said was read. */
  async exitCode(): Promise<number> {
    const code = await this.#ended;
    await this.#read;
    return code;
  }

  /** Kills the program where it still runs; repeatable. */
  close(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
    this.#reader.close();
  }

  async #readAll(): Promise<void> {
    try {
      for await (const chunk of this.#reader)
        this.shown += Buffer.from(chunk).toString("utf8").replaceAll("\r", "");
    } catch (err) {
      // How a terminal ends that nobody has open any more.
      if (errnoOf(err) !== "EIO") throw err;
    }
  }
}

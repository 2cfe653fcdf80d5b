import { type ChildProcess, spawn } from "node:child_process";
import type { Writable } from "node:stream";
import { deferred } from "../../base/deferred.ts";
import { StatusCode, StatusError } from "../../base/status.ts";

/**
 * Nothing in here comes from an image. Attributes of all kinds are taken, owners by their numbers; the modes and times
 * of directories are set at the end, as their files come in any order.
 */
const ARGS = [
  "--extract",
  "--file=-",
  "--preserve-permissions",
  "--same-owner",
  "--numeric-owner",
  "--xattrs",
  "--xattrs-include=*",
  "--delay-directory-restore",
  // Files of 1970 are common in images.
  "--warning=no-timestamp",
  "--warning=no-unknown-keyword",
];

const MAX_SAID = 4_000;
/** How much is gathered before it is handed over: a header for itself is too little. */
const GATHERED_BYTES = 64 << 10;

/**
 * GNU tar at work in a directory, fed with an archive: it makes what Node has no calls for, such as devices, owners of
 * links and attributes. Anything that it says is a failure, and its end: a layer is there as a whole or not at all.
 */
export class GnuTar {
  readonly #child: ChildProcess;
  readonly #stdin: Writable;
  readonly #closed = deferred<void>();
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #said = "";
  #failure: StatusError | undefined;
  #isOver = false;
  #wake = () => {};

  constructor(directory: string) {
    // TAR_OPTIONS and the like are not handed down; what tar says is read below.
    const env = { PATH: process.env.PATH ?? "", LC_ALL: "C" };
    const child = spawn("tar", ARGS, { cwd: directory, env, stdio: ["pipe", "ignore", "pipe"] });
    this.#child = child;
    this.#stdin = child.stdin;
    // What has made it close its end is told by how it ends.
    child.stdin.on("error", () => this.#wake());
    child.stdin.on("drain", () => this.#wake());
    child.stderr.on("data", (chunk: Buffer) => this.#hear(chunk));
    child.once("error", (err: Error) => this.#end(cannotRun(err)));
    child.once("close", (status, signal) => this.#end(failureOf(status ?? signal, this.#said)));
  }

  /** Resolves when it has ended in whatever way and makes nothing any more. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Hands over bytes of the archive, and waits while it has enough; throws why it has ended where it has. */
  async write(bytes: Buffer): Promise<void> {
    if (bytes.length === 0) return;
    this.#gathered.push(bytes);
    this.#gatheredBytes += bytes.length;
    if (this.#gatheredBytes >= GATHERED_BYTES) await this.#flush();
  }

  /** Says that the archive is complete; resolves when all of it is made. */
  async end(): Promise<void> {
    await this.#flush();
    this.#stdin.end();
    await this.closed;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Ends it, wherever it is. */
  kill(): void {
    this.#child.kill("SIGKILL");
    this.#stdin.destroy();
  }

  async #flush(): Promise<void> {
    const bytes = this.#gathered.length === 1 ? this.#gathered[0] : Buffer.concat(this.#gathered);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    if (!this.#isOver && !this.#stdin.destroyed && this.#stdin.write(bytes)) return;
    while (!this.#isOver && (this.#stdin.destroyed || this.#stdin.writableNeedDrain)) await this.#woken();
    if (this.#isOver) throw this.#failure ?? new StatusError(StatusCode.internal, "tar has ended too early");
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #hear(chunk: Buffer): void {
    if (this.#said.length < MAX_SAID) this.#said += String(chunk);
    if (this.#said.includes("\n")) this.#child.kill("SIGKILL");
  }

  #end(failure: StatusError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = failure;
    this.#closed.resolve();
    this.#wake();
  }
}

function cannotRun(err: Error): StatusError {
  const isMissing = "code" in err && err.code === "ENOENT";
  const what = isMissing
    ? "images are unpacked by GNU tar, which is not in PATH"
    : `cannot run tar: ${err.message}`;
  return new StatusError(StatusCode.failedPrecondition, what, { cause: err });
}

/** What tar's end means, and the first line that it said. */
function failureOf(ending: number | string | null, said: string): StatusError | undefined {
  const line = said.trim().split("\n", 1)[0] ?? "";
  if (ending === 0 && line === "") return undefined;
  // The write that fills a disk is cut short, and it is what tar tells of first.
  if (/: Wrote only \d+ of/.test(line)) return full(`${line}: No space left on device`);
  if (/No space left on device|Disk quota exceeded/.test(line)) return full(line);
  return new StatusError(StatusCode.internal, line === "" ? `tar ended with ${ending}` : line);
}

function full(line: string): StatusError {
  return new StatusError(StatusCode.resourceExhausted, line);
}

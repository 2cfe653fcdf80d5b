import { sleep } from "../base/deadline.ts";
import { errnoOf } from "../base/files.ts";
import { type Child, launch, type PipeOutput } from "../base/launch.ts";
import { StatusCode, StatusError } from "../base/status.ts";
import { killDescendants } from "../linux/kill-descendants.ts";

/** A mount that a program makes: the types of mount(8) that begin with its name, as containerd knows them. */
export interface HelperMount {
  /** `mount.fuse`, or `mount.fuse3`: to be found in PATH. */
  readonly helper: string;
  readonly source: string;
  readonly target: string;
  /** What the helper knows it by. */
  readonly type: string;
  readonly options: readonly string[];
}

/** How much of what the program says goes into a message. */
const MAX_TEXT = 4_096;
/** How long what it has said is read after its end, in milliseconds: what serves the mount may hold the pipe. */
const READ_MS = 100;

/**
 * Has a helper program make a mount, which is there when that ends; what serves the mount goes on. When the signal aborts
 * the program is killed with all that it has started, and the error is the signal's reason; what it may have mounted by
 * then is the caller's to release. An error names the program, the target, and what the program has said.
 */
export async function mountByHelper(mount: HelperMount, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const { helper, source, target, type, options } = mount;
  const args = [source, target, ...options.flatMap((option) => ["-o", option]), "-t", type];
  const child = await start(helper, args);
  const said = new Said(child.stderr);
  const kill = () => {
    killDescendants(child.pid, () => child.kill("SIGSTOP"));
    child.kill("SIGKILL");
  };
  signal?.addEventListener("abort", kill, { once: true });
  try {
    const ending = await child.ended;
    signal?.throwIfAborted();
    if (ending.exitCode === 0) return;
    const how = ending.signal ?? `exit status ${ending.exitCode}`;
    const message = `${helper} for ${type} on ${target} ended with ${how}: ${await said.text()}`;
    throw new StatusError(StatusCode.unknown, message);
  } finally {
    signal?.removeEventListener("abort", kill);
    child.stderr?.close();
  }
}

async function start(helper: string, args: readonly string[]): Promise<Child> {
  try {
    return await launch([helper, ...args], {
      env: process.env,
      stdio: ["ignore", "ignore", "pipe"],
      // What serves the mount is to hold nothing else.
      cwd: "/",
    });
  } catch (cause) {
    const why = errnoOf(cause) === "ENOENT" ? "it is not in PATH" : String(cause);
    const message = `the program ${helper} cannot be started: ${why}`;
    throw new StatusError(StatusCode.failedPrecondition, message, { cause });
  }
}

/** What a program says, as far as it goes into a message. */
class Said {
  readonly #ended: Promise<void>;
  #text = "";

  constructor(output: PipeOutput | undefined) {
    const decoder = new TextDecoder();
    const take = (chunk: Uint8Array) => {
      if (this.#text.length < MAX_TEXT) this.#text += decoder.decode(chunk, { stream: true });
    };
    this.#ended = output?.read(take) ?? Promise.resolve();
  }

  async text(): Promise<string> {
    await Promise.race([this.#ended, sleep(READ_MS)]);
    return this.#text.slice(0, MAX_TEXT).trim() || "it said nothing";
  }
}

import { type LaunchStdio, launch } from "../base/launch.ts";
import { StatusCode, StatusError } from "../base/status.ts";

/**
 * Writes out the file system that a directory is on (syncfs(2)), by the program `sync`: the call can sleep for as
 * long as the disk likes, and a thread of ours that sleeps there would keep this process from ending. The child
 * is left to itself where this process exits before; with `staysAlive` it does not end by itself before the child. A
 * directory that is gone has nothing to write.
 */
export async function syncFileSystem(dir: string, { staysAlive = false } = {}): Promise<void> {
  const failure = await run(["sync", "-f", "--", dir], "ignore", staysAlive);
  if (failure !== undefined && !/No such file or directory/.test(failure)) throw notSynced(dir, failure);
}

/**
 * The same by an open descriptor, which is told of each error since it was opened, or since it was last told of one.
 * No program of the host does that, so it is done by the command `syncfs` of this one (`self`).
 */
export async function syncDescriptor(
  fd: number,
  place: string,
  self: readonly [string, ...string[]],
): Promise<void> {
  const failure = await run([...self, "syncfs"], fd, false);
  if (failure !== undefined) throw notSynced(place, failure);
}

/** What a program says that has failed; undefined where it has not. */
async function run(command: [string, ...string[]], stdin: LaunchStdio, staysAlive: boolean) {
  const child = await launch(command, {
    stdio: [stdin, "ignore", "pipe"],
    cwd: "/",
    // What it says is read.
    env: { ...process.env, LC_ALL: "C" },
  });
  if (!staysAlive) child.unref();
  let said = "";
  await child.stderr?.read((chunk) => {
    said += Buffer.from(chunk).toString().slice(0, 1_000);
  });
  const { exitCode, signal } = await child.ended;
  return exitCode === 0 ? undefined : said.trim() || `${signal ?? `exit status ${exitCode}`}`;
}

function notSynced(place: string, failure: string): StatusError {
  return new StatusError(StatusCode.internal, `sync of ${place} failed: ${failure}`);
}

import { launch } from "../base/launch.ts";
import { StatusCode, StatusError } from "../base/status.ts";

/**
 * Writes out the file system that a directory is on (syncfs(2)), by the program `sync`: the call can sleep for as
 * long as the disk likes, and a thread of ours that sleeps there would keep this process from ending. The child
 * is left to itself where this process exits before; with `staysAlive` it does not end by itself before the child. A
 * directory that is gone has nothing to write.
 */
export async function syncFileSystem(dir: string, { staysAlive = false } = {}): Promise<void> {
  const child = await launch(["sync", "-f", "--", dir], {
    stdio: ["ignore", "ignore", "pipe"],
    cwd: "/",
    // What it says is read below.
    env: { ...process.env, LC_ALL: "C" },
  });
  if (!staysAlive) child.unref();
  let said = "";
  await child.stderr?.read((chunk) => {
    said += Buffer.from(chunk).toString().slice(0, 1_000);
  });
  const { exitCode, signal } = await child.ended;
  if (exitCode === 0 || /No such file or directory/.test(said)) return;
  throw new StatusError(
    StatusCode.internal,
    `sync of ${dir} failed: ${said.trim() || `${signal ?? `exit status ${exitCode}`}`}`,
  );
}

import { execFile } from "node:child_process";
import { StatusCode, StatusError } from "../../base/status.ts";

/**
 * Removes a directory with all that is in it, by the program `rm`: a large one on a slow disk takes its time, and a
 * thread of ours that sleeps there would keep this process from ending. One that is not there is removed already.
 */
export function removeTree(directory: string): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile("rm", ["-rf", "--", directory], { cwd: "/" }, (err, _, said) => {
      if (err === null) return resolve();
      const why = said.trim().split("\n", 1)[0] || err.message;
      reject(new StatusError(StatusCode.internal, `cannot remove ${directory}: ${why}`, { cause: err }));
    });
  });
}

import fs from "node:fs";
import path from "node:path";
import { until } from "../../lab/until.ts";

let made = 0;

/** Runs a test body with a control group of its own below a directory, which is removed when its processes are gone. */
export async function withCgroup(parent: string, body: (dir: string) => Promise<void> | void): Promise<void> {
  const dir = path.join(parent, `ebb-test-${process.pid}-${++made}`);
  fs.mkdirSync(dir);
  try {
    await body(dir);
  } finally {
    await until(`${dir} to be empty`, () => {
      try {
        fs.rmdirSync(dir);
        return true;
      } catch {
        return undefined;
      }
    });
  }
}

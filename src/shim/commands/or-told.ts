import fs from "node:fs";
import { StatusError } from "../../base/status.ts";

/**
 * What some work comes to; undefined where it fails, which is told on stderr, where the daemon logs it. For `delete`,
 * which has to do what it can.
 */
export async function orTold<T>(what: string, work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (err) {
    fs.writeSync(2, `${what}${StatusError.from(err).message}\n`);
    return undefined;
  }
}

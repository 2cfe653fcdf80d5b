/**
 * A process that wants something done once. Arguments: the directory of the flight, one for notes, and how the work
 * ends here when the notes have a file `end`: with a `value`, an `error`, or `cancelled`. It writes `begun` when the
 * work begins in it, and the outcome; in the notes all pids are that began it.
 */
import fs from "node:fs";
import path from "node:path";
import { until } from "../../lab/until.ts";
import { StatusCode, StatusError } from "../../src/base/status.ts";
import { singleFlight } from "../../src/images/single-flight.ts";

const [directory = "", notes = "", end = "value"] = process.argv.slice(2);

async function work(): Promise<{ by: number }> {
  fs.appendFileSync(path.join(notes, "begun"), `${process.pid}\n`);
  console.log("begun");
  await until("the end of the work", () => fs.existsSync(path.join(notes, "end")) || undefined, 60_000);
  if (end === "error") throw new StatusError(StatusCode.dataLoss, "it was not to be");
  if (end === "cancelled") throw new StatusError(StatusCode.cancelled, "not any more");
  return { by: process.pid };
}

try {
  const { by } = await singleFlight(directory, "key", work);
  console.log(`by ${by}`);
} catch (thrown) {
  const { code, message } = StatusError.from(thrown);
  console.log(`error ${code} ${message}`);
}

/**
 * A process that puts a blob into a store. Arguments: the store's directory, how large the blob is, after how many
 * bytes its source hangs, and a file that the source appends the offsets to that it is asked for.
 */
import fs from "node:fs";
import { StatusError } from "../../src/base/status.ts";
import { ContentStore } from "../../src/images/content-store.ts";
import { hangingSource, large } from "./samples.ts";

const [directory = "", size = "0", after = "0", log = ""] = process.argv.slice(2);
const blob = large(Number(size));
const source = hangingSource(blob.bytes, Number(after));

try {
  await new ContentStore(directory).ingest(blob, (offset) => {
    fs.appendFileSync(log, `${offset}\n`);
    return source(offset);
  });
  console.log("done");
} catch (thrown) {
  console.log(StatusError.from(thrown).message);
}

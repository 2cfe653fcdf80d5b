/** What `npm run bench -- NAME` runs: a file for each bench, which prints a table; all of them without a name. */
import { StatusError } from "../src/base/status.ts";
import { manyReleases } from "./many-releases.ts";
import { unpackImage } from "./unpack.ts";

/** Measures and prints; once the signal is aborted it ends soon, with all removed that it made. */
type Bench = (signal: AbortSignal) => Promise<void>;

const BENCHES: Readonly<Record<string, Bench>> = { "many-releases": manyReleases, unpack: unpackImage };

async function main(args: readonly string[]): Promise<number> {
  const names = args.length === 0 ? Object.keys(BENCHES) : args;
  const unknown = names.filter((name) => !Object.hasOwn(BENCHES, name));
  if (unknown.length > 0) {
    process.stderr.write(
      `no such bench: ${unknown.join(", ")}; there is: ${Object.keys(BENCHES).join(", ")}\n`,
    );
    return 2;
  }
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => stop.abort(new Error(name)));
  try {
    for (const name of names) await BENCHES[name]?.(stop.signal);
    return 0;
  } catch (err) {
    process.stderr.write(`${StatusError.from(err).message}\n`);
    return 1;
  }
}

main(process.argv.slice(2)).then((status) => process.exit(status));

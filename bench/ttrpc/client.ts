/** A program that calls the echo: `client SOCKET BYTES AT_ONCE CALLS` prints what it measured, as JSON. */
import { connect, createClient } from "../../src/ttrpc/index.ts";
import { echo, type Measured, WARM_UP } from "./echo.ts";

const [socket = "", ...numbers] = process.argv.slice(2);
const [size = 0, atOnce = 1, calls = 1] = numbers.map(Number);
const connection = await connect(socket);
const client = createClient(echo, connection);
const request = { value: new Uint8Array(size).fill(7) };

/** Makes the calls, so many at once, and returns how long each took, in milliseconds. */
async function measure(count: number): Promise<Float64Array> {
  const took = new Float64Array(count);
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const at = next++;
      const before = performance.now();
      const { value } = await client.say(request);
      if (value.length !== size) throw new Error(`an echo of ${value.length} bytes instead of ${size}`);
      took[at] = performance.now() - before;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return took;
}

await measure(Math.floor(calls * WARM_UP));
const before = performance.now();
const took = (await measure(calls)).sort();
const seconds = (performance.now() - before) / 1_000;
const at = (share: number) => (took[Math.floor(share * (calls - 1))] ?? Number.NaN) * 1_000;
const measured: Measured = { p50Us: at(0.5), p99Us: at(0.99), perSecond: calls / seconds };
process.stdout.write(`${JSON.stringify(measured)}\n`);
connection.close();

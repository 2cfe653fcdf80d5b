/** A process that pulls an image several times at once, for tests that run several of them. */

import { makeHome } from "./pull-support.ts";

const [directory = "", reference = "", times = "1"] = process.argv.slice(2);
const home = makeHome(directory);
const pulls = Array.from({ length: Number(times) }, () => home.pull(reference));
const ends = await Promise.allSettled(pulls);
const told = ends.map((end) => (end.status === "fulfilled" ? end.value.target.digest : end.reason.message));
console.log(JSON.stringify(told));

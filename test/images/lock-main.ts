/** A process that takes a lock, whose file is the argument, says `taken`, and keeps it until it is killed. */
import { Lock } from "../../src/images/lock.ts";

const [file = ""] = process.argv.slice(2);
await new Lock(file).takeInTurn();
console.log("taken");
setInterval(() => {}, 60_000);

import type { AddCommand } from "./command.ts";
import { print } from "./print.ts";
import { forEachContainer } from "./supervisor-link.ts";
import { readSeconds, readSignal } from "./values.ts";

const STOP_HELP = `
Prints the id of each that has ended. The exit status is 1 where one could not be stopped.

Examples:
  ebb stop web db
  ebb stop -t 60 db`;

/** Puts `ebb stop` into the program. */
export const addStop: AddCommand = (program, done) => {
  program
    .command("stop")
    .summary("end containers in good order")
    .description(
      "Sends a container's stop signal (SIGTERM, unless its image says otherwise), and SIGKILL after a time.",
    )
    .argument("<container...>", "ids, or beginnings of them that no other has")
    .option("-t, --time <seconds>", "how long it may take until it is killed", "10")
    .option("-s, --signal <signal>", "another signal to begin with, by name or number")
    .addHelpText("after", STOP_HELP)
    .action(async (names: string[], flags: { time: string; signal?: string }) => {
      const graceMs = readSeconds("--time", flags.time);
      const signal = flags.signal === undefined ? 0 : readSignal("--signal", flags.signal);
      done(
        await forEachContainer("stop", names, async (link, id) => {
          await link.persist((calls) => calls.stop({ id, graceMs, signal }));
          await print(id);
        }),
      );
    });
};

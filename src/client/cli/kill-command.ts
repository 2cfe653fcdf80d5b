import type { AddCommand } from "./command.ts";
import { print } from "./print.ts";
import { forEachContainer } from "./supervisor-link.ts";
import { readSignal } from "./values.ts";

const KILL_HELP = `
Prints the id of each that was told. The exit status is 1 where one could not be told.

Examples:
  ebb kill web
  ebb kill -s HUP web`;

/** Puts `ebb kill` into the program. */
export const addKill: AddCommand = (program, done) => {
  program
    .command("kill")
    .summary("send a signal to containers")
    .description("Sends a signal to the first process of a container, SIGKILL unless another is named.")
    .argument("<container...>", "ids, or beginnings of them that no other has")
    .option("-s, --signal <signal>", "name or number of the signal", "KILL")
    .addHelpText("after", KILL_HELP)
    .action(async (names: string[], flags: { signal: string }) => {
      const signal = readSignal("--signal", flags.signal);
      done(
        await forEachContainer("kill", names, async (link, id) => {
          await link.calls.kill({ id, signal });
          await print(id);
        }),
      );
    });
};

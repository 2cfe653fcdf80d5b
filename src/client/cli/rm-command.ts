import type { AddCommand } from "./command.ts";
import { print } from "./print.ts";
import { forEachContainer } from "./supervisor-link.ts";

const RM_HELP = `
Prints the id of each that is gone. The exit status is 1 where one could not be removed.

Examples:
  ebb rm web
  ebb rm -f $(ebb ps -aq)`;

/** Puts `ebb rm` into the program. */
export const addRm: AddCommand = (program, done) => {
  program
    .command("rm")
    .summary("remove containers")
    .description(
      "Removes containers that have ended, with what they have written. Nobody waits for a disk that still " +
        "takes in what a container wrote: that is removed when it is done.",
    )
    .argument("<container...>", "ids, or beginnings of them that no other has")
    .option("-f, --force", "kill what still runs")
    .addHelpText("after", RM_HELP)
    .action(async (names: string[], { force = false }: { force?: boolean }) =>
      done(
        await forEachContainer("rm", names, async (link, id) => {
          await link.calls.remove({ id, force });
          await print(id);
        }),
      ),
    );
};

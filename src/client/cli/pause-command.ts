import type { AddCommand } from "./command.ts";
import { print } from "./print.ts";
import { forEachContainer } from "./supervisor-link.ts";

/** Puts `ebb pause` and `ebb unpause` into the program. */
export const addPause: AddCommand = (program, done) => {
  program
    .command("pause")
    .summary("freeze containers")
    .description("Stops all processes of a container where they are, until 'ebb unpause'.")
    .argument("<container...>", "ids, or beginnings of them that no other has")
    .addHelpText("after", "\nExample:\n  ebb pause web")
    .action(async (names: string[]) =>
      done(
        await forEachContainer("pause", names, async (link, id) => {
          await link.calls.pause({ id });
          await print(id);
        }),
      ),
    );
  program
    .command("unpause")
    .alias("resume")
    .summary("let frozen containers go on")
    .argument("<container...>", "ids, or beginnings of them that no other has")
    .addHelpText("after", "\nExample:\n  ebb unpause web")
    .action(async (names: string[]) =>
      done(
        await forEachContainer("unpause", names, async (link, id) => {
          await link.calls.resume({ id });
          await print(id);
        }),
      ),
    );
};

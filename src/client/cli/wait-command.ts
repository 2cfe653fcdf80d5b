import { endingFromWire } from "../daemon/wire.ts";
import type { AddCommand } from "./command.ts";
import { print, printJson } from "./print.ts";
import { bySupervisor, idOf, type SupervisorLink } from "./supervisor-link.ts";

const WAIT_HELP = `
Example:
  test "$(ebb wait job)" = 0 && echo well done`;

/** Puts `ebb wait` into the program. */
export const addWait: AddCommand = (program, done) => {
  program
    .command("wait")
    .summary("wait until containers have ended")
    .description(
      "Waits until all of the containers have ended, and prints their exit statuses, a line for each.",
    )
    .argument("<container...>", "ids, or beginnings of them that no other has")
    .option("--json", "print one JSON document: an array in the order of the names")
    .addHelpText("after", WAIT_HELP)
    .action(async (names: string[], { json = false }: { json?: boolean }) =>
      done(
        await bySupervisor("wait", async (link) => {
          const endings = await Promise.all(names.map((name) => endOf(link, name)));
          if (json) return printJson(endings);
          return print(endings.map(({ exitStatus }) => String(exitStatus)).join("\n"));
        }),
      ),
    );
};

async function endOf(link: SupervisorLink, name: string) {
  const id = await idOf(link, name);
  const { exitStatus, exitedAt } = endingFromWire(await link.persist((calls) => calls.wait({ id })));
  return { id, exitStatus, exitedAt: exitedAt?.toISOString() ?? null };
}

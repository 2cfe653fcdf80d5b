import path from "node:path";
import { StatusCode, StatusError } from "../../base/status.ts";
import { viewFromWire } from "../daemon/wire.ts";
import { followFile } from "../file-follow.ts";
import type { AddCommand } from "./command.ts";
import { writeOut } from "./print.ts";
import { stateDir } from "./state-dir.ts";
import { bySupervisor, type SupervisorLink } from "./supervisor-link.ts";
import { readCount } from "./values.ts";

const LOGS_HELP = `
Only what runs by itself (ebb run -d) has its output written down, stdout and stderr together,
without a limit, until the container is removed.

Examples:
  ebb logs --tail 20 web
  ebb logs -f web`;

interface LogsFlags {
  readonly follow?: boolean;
  readonly tail: string;
}

/** Puts `ebb logs` into the program. */
export const addLogs: AddCommand = (program, done) => {
  program
    .command("logs")
    .summary("show what a container has written")
    .argument("<container>", "its id, or a beginning of it that no other has")
    .option("-f, --follow", "go on until the container has ended")
    .option("-n, --tail <lines>", "begin with so many of the last lines", "all")
    .addHelpText("after", LOGS_HELP)
    .action(async (name: string, flags: LogsFlags) => {
      const tail = readCount("--tail", flags.tail);
      done(await bySupervisor("logs", (link) => show(link, name, { tail, follow: flags.follow ?? false })));
    });
};

interface ShowOptions {
  readonly tail: number | undefined;
  readonly follow: boolean;
}

async function show(link: SupervisorLink, name: string, { tail, follow }: ShowOptions): Promise<number> {
  const { config } = viewFromWire(await link.calls.find({ idOrPrefix: name }));
  if (!config.logged) throw notLogged(config.id);
  const ended = follow ? whenEnded(link, config.id) : undefined;
  return writeOut(async (stdout) => {
    for await (const piece of followFile(logOf(config.id), { tail, ended })) await stdout.write(piece);
  });
}

/** Where the supervisor has the shim write it. */
function logOf(id: string): string {
  return path.join(stateDir(), "containers", id, "layer/output");
}

function notLogged(id: string): StatusError {
  const message = `container ${id} has no log: it was run in the foreground, where its output went`;
  return new StatusError(StatusCode.failedPrecondition, message);
}

/** Whether the container has ended; one that nobody knows any more has. */
function whenEnded(link: SupervisorLink, id: string): () => boolean {
  let ended = false;
  const end = () => {
    ended = true;
  };
  link.persist((calls) => calls.wait({ id })).then(end, end);
  return () => ended;
}

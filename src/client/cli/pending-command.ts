import { hasCode, StatusCode, StatusError } from "../../base/status.ts";
import { listPending } from "../pending.ts";
import type { AddCommand } from "./command.ts";
import { ExitStatus, UsageError } from "./exit-status.ts";
import { describePending } from "./pending-table.ts";
import { print, printJson } from "./print.ts";
import { tableOptions } from "./table.ts";

/** What `ebb pending --help` says below its flags. */
const PENDING_HELP = `
State:
  holding   the shim has not let it go yet
  waiting   another release on the same device has its turn
  syncing   the kernel writes out what is unwritten
  cleaning  it is written out, and what marked it as in use is removed

The exit status is 0, also where nothing is pending. 1: the list may not be read, or the configuration is wrong;
125: anything else.

Examples:
  ebb pending --stack
  ebb pending --json | jq -r '.[] | select(.ageMs > 60000) | .source'

Environment:
  EBB_RUN_DIR  run directory of the shims, instead of the configuration's (/run/ebb)
  EBB_CONFIG   the configuration (/etc/ebb/config.json)`;

/** Puts `ebb pending` into the program. */
export const addPending: AddCommand = (program, done) => {
  program
    .command("pending")
    .summary("show which deleted containers' data is still being written out")
    .description(
      "Lists the root file systems of this host that have been unmounted and whose unwritten data the kernel " +
        "still writes out, with the helper process that waits for it, the oldest first.",
    )
    .option("--json", "print one JSON document: an array, empty where nothing is pending")
    .option("--stack", "show where in the kernel each helper is, innermost function first")
    .addHelpText("after", PENDING_HELP)
    .action(async (flags: PendingFlags) => done(await showPending(flags)));
};

/** The flags of `ebb pending`. */
interface PendingFlags {
  readonly json?: boolean;
  readonly stack?: boolean;
}

/** Prints what is pending, as a table or as JSON; resolves to the exit status. */
async function showPending({ json = false, stack = false }: PendingFlags): Promise<number> {
  try {
    const releases = await listPending();
    if (json) return await printJson(releases);
    if (releases.length > 0) {
      return await print(describePending(releases, { stack, ...tableOptions() }));
    }
    process.stderr.write("nothing is pending\n");
    return 0;
  } catch (error) {
    if (isUsage(error)) throw new UsageError(reasonOf(error));
    process.stderr.write(`ebb: ${StatusError.from(error).message}\n`);
    return ExitStatus.failure;
  }
}

/** Whether it is for who called to set right: the environment, the configuration, or who it is. */
function isUsage(error: unknown): boolean {
  const { invalidArgument, notFound, permissionDenied } = StatusCode;
  return [invalidArgument, notFound, permissionDenied].some((code) => hasCode(error, code));
}

function reasonOf(error: unknown): string {
  const { message } = StatusError.from(error);
  if (!hasCode(error, StatusCode.permissionDenied)) return message;
  return `${message}: this is user ${process.getuid?.()}; call ebb pending as root or with sudo`;
}

import { readImagesConfig } from "../../config/images-directory.ts";
import { supervise } from "../daemon/supervise.ts";
import { checkIdentifier } from "../identifier.ts";
import { type AddCommand, naming } from "./command.ts";
import { ExitStatus, UsageError } from "./exit-status.ts";
import { tellError } from "./interruptible.ts";
import { packageInfo } from "./package-info.ts";
import { DEFAULT_STATE_DIR, requireRoot, stateDir } from "./state-dir.ts";
import { readSeconds } from "./values.ts";

/** As long as somebody may take between two commands and still be at the same thing, in seconds. */
const DEFAULT_IDLE = "600";

/** The namespace of its containers: other clients of shims have theirs. */
const DEFAULT_NAMESPACE = "ebb";

const SUPERVISE_HELP = `
Every command that needs one starts it by itself; by hand, or by systemd, it is started to have it always. There is one
for a state directory: where it is there already, this ends well at once. SIGTERM ends it and lets its containers go
on; the next one finds them again.

Example:
  ebb supervise --idle 0

Environment:
  EBB_STATE            directory of bundles, sockets and pipes (${DEFAULT_STATE_DIR})
  EBB_IMAGES_DIR       directory of images and containers, instead of the configuration's (/var/lib/ebb)
  EBB_NAMESPACE        containerd namespace of its containers (${DEFAULT_NAMESPACE})
  EBB_SUPERVISOR_IDLE  what --idle is where it is not given (${DEFAULT_IDLE})
Its shims have its environment, and so the variables of their settings (EBB_RELEASE and others).`;

/** Puts `ebb supervise` into the program. */
export const addSupervise: AddCommand = (program, done) => {
  program
    .command("supervise")
    .summary("hold the containers of this host, in the foreground")
    .description(
      "Launches the shims of containers, keeps what is known of them, and answers the other commands.",
    )
    .option("--idle <seconds>", "end when nobody has needed it for so long; 0: never")
    .addHelpText("after", SUPERVISE_HELP)
    .action(async ({ idle = process.env.EBB_SUPERVISOR_IDLE || DEFAULT_IDLE }: { idle?: string }) => {
      requireRoot("ebb supervise");
      done(await run(readSeconds("--idle", idle)));
    });
};

async function run(idleMs: number): Promise<number> {
  const stop = new AbortController();
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(name, () => stop.abort());
  const directory = stateDir();
  try {
    await supervise({
      stateDir: directory,
      version: packageInfo().version,
      idleMs: idleMs === 0 ? Number.POSITIVE_INFINITY : idleMs,
      open: (onLog) => open(directory, onLog),
      signal: stop.signal,
    });
    return 0;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    tellError(error);
    return ExitStatus.failure;
  }
}

/** Loaded only here: no other command needs what launches shims. */
async function open(directory: string, onLog: (id: string, line: string) => void) {
  const { Supervisor } = await import("../daemon/supervisor.ts");
  const { directory: imagesDir } = await readImagesConfig(process.env);
  return Supervisor.open({ stateDir: directory, imagesDir, namespace: namespace(), onLog });
}

function namespace(): string {
  return naming("EBB_NAMESPACE", () =>
    checkIdentifier("namespace", process.env.EBB_NAMESPACE || DEFAULT_NAMESPACE),
  );
}

import { ensureImage, type ReadyImage } from "../images.ts";
import type { AddCommand } from "./command.ts";
import { ExitStatus } from "./exit-status.ts";
import { interruptible } from "./interruptible.ts";
import { print, printJsonLine } from "./print.ts";
import { openProgress, type ProgressFlags } from "./progress/open-progress.ts";
import { signalNumber } from "./signals.ts";
import { requireRoot } from "./state-dir.ts";

const PULL_HELP = `
Prints the image's full name with its digest. What is fetched and what is unpacked is shown on stderr, as a bar for
each layer on a terminal. A layer that is here already, or that another command fetches right now, is not fetched again.

With --json each line is a document, the last one that of the image:
  {"kind":"layers","reference":…,"digest":…,"layers":[{"digest":…,"size":…},…]}
  {"kind":"layer","digest":…,"phase":…,"bytes":…}
  {"kind":"image","reference":…,"digest":…}
A layer's phases are waiting, fetching, stalled (its request is open and gives no byte), retrying (with a "reason"),
fetched, unpacking (bytes are those that came out), writing, done.

Users and passwords are those of docker login: ~/.docker/config.json, or config.json in DOCKER_CONFIG.

Examples:
  ebb pull busybox
  ebb pull --platform linux/arm64 registry.example:5000/team/app:v1
  ebb pull -q localhost:5000/app@sha256:…

Environment:
  EBB_CONFIG      the configuration (/etc/ebb/config.json): mirrors, limits
  EBB_IMAGES_DIR  where images are kept, instead of the configuration's (/var/lib/ebb)`;

/** The flags of `ebb pull`. */
interface PullFlags extends ProgressFlags {
  readonly platform?: string;
}

/** Puts `ebb pull` into the program. */
export const addPull: AddCommand = (program, done) => {
  program
    .command("pull")
    .summary("fetch an image from its registry")
    .description("Fetches an image from its registry and unpacks it.")
    .argument("<image>", "its name, as docker has it")
    .option("--platform <platform>", "os/architecture[/variant] (default: this host's)")
    .option("-q, --quiet", "show no progress")
    .option("--json", "print events as JSON, one on each line")
    .addHelpText("after", PULL_HELP)
    .action(async (image: string, flags: PullFlags) => {
      requireRoot("ebb pull");
      done(await interruptible((signal) => pull(image, flags, signal)));
    });
};

async function pull(reference: string, flags: PullFlags, signal: AbortSignal): Promise<number> {
  // A reader that has gone ends the command, as it would end one that does not look.
  const gone = new AbortController();
  const progress = await openProgress(flags, (error) => gone.abort(error));
  try {
    const image = await ensureImage(reference, {
      pull: "always",
      ...(flags.platform !== undefined && { platform: flags.platform }),
      onProgress: progress.show,
      signal: AbortSignal.any([signal, gone.signal]),
    });
    await progress.end();
    return await show(image, flags.json ?? false);
  } catch (error) {
    await progress.end().catch(() => {});
    if (gone.signal.aborted && !signal.aborted) return ExitStatus.signal + signalNumber("SIGPIPE");
    throw error;
  }
}

function show({ reference, digest }: ReadyImage, json: boolean): Promise<number> {
  return json ? printJsonLine({ kind: "image", reference, digest }) : print(fullName(reference, digest));
}

/** A name that has a digest already says all. */
function fullName(reference: string, digest: string): string {
  return reference.includes("@") ? reference : `${reference}@${digest}`;
}

import { ensureImage } from "../images.ts";
import type { AddCommand } from "./command.ts";
import { getImages } from "./get-images.ts";
import { interruptible } from "./interruptible.ts";
import type { ProgressFlags } from "./progress/open-progress.ts";
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

function pull(reference: string, flags: PullFlags, signal: AbortSignal): Promise<number> {
  const { platform } = flags;
  return getImages(flags, signal, async (options) => {
    const how = { ...options, ...(platform !== undefined && { platform }) };
    return [await ensureImage(reference, { pull: "always", ...how })];
  });
}

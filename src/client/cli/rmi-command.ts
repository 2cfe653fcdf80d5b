import { abortable } from "../../base/deadline.ts";
import { type RemovedImage, removeImage } from "../images/remove-image.ts";
import { sweepImages } from "../images/sweep-images.ts";
import type { AddCommand } from "./command.ts";
import { ExitStatus } from "./exit-status.ts";
import { interruptible, tellError } from "./interruptible.ts";
import { print, printJson } from "./print.ts";
import { requireRoot } from "./state-dir.ts";

const RMI_HELP = `
Prints the name of each image that is gone. Its files go with it, but for those that another image or a container is
made of. The exit status is 1 where one could not be removed.

Examples:
  ebb rmi busybox
  ebb rmi -f $(ebb images -q)

Environment:
  EBB_CONFIG      the configuration (/etc/ebb/config.json)
  EBB_IMAGES_DIR  where images are kept, instead of the configuration's (/var/lib/ebb)`;

/** The flags of `ebb rmi`. */
interface RmiFlags {
  readonly force?: boolean;
  readonly json?: boolean;
}

/** Puts `ebb rmi` into the program. */
export const addRmi: AddCommand = (program, done) => {
  program
    .command("rmi")
    .summary("remove images")
    .argument("<image...>", "names, or beginnings of ids, of 4 digits or more, that no other image has")
    .option("-f, --force", "also one that a container is made of, which keeps its layers")
    .option("--json", "print one JSON document: an array with an object for each that is gone")
    .addHelpText("after", RMI_HELP)
    .action(async (images: string[], flags: RmiFlags) => {
      requireRoot("ebb rmi");
      done(await interruptible((signal) => removeAll(images, flags, signal)));
    });
};

async function removeAll(
  images: readonly string[],
  { force = false, json = false }: RmiFlags,
  signal: AbortSignal,
): Promise<number> {
  const removed: RemovedImage[] = [];
  let failed = false;
  for (const image of images) {
    signal.throwIfAborted();
    try {
      removed.push(...(await removeImage(image, { force })));
    } catch (error) {
      failed = true;
      tellError(error);
    }
  }
  if (removed.length > 0) await abortable(sweep(), signal);
  const printed = json ? await printJson(removed) : await printNames(removed);
  return failed && printed === 0 ? ExitStatus.usage : printed;
}

async function sweep(): Promise<void> {
  if (await sweepImages()) return;
  const why = "images are being fetched or unpacked, which may need them";
  process.stderr.write(`ebb: the files stay until the next ebb rmi: ${why}\n`);
}

async function printNames(removed: readonly RemovedImage[]): Promise<number> {
  return removed.length === 0 ? 0 : print(removed.map(({ reference }) => reference).join("\n"));
}

import { existsSync } from "node:fs";
import path from "node:path";
import { loadImages } from "../images/load-images.ts";
import type { AddCommand } from "./command.ts";
import { UsageError } from "./exit-status.ts";
import { getImages } from "./get-images.ts";
import { interruptible } from "./interruptible.ts";
import type { ProgressFlags } from "./progress/open-progress.ts";
import { requireRoot } from "./state-dir.ts";

const LOAD_HELP = `
Takes an OCI image layout, as a directory or a tar archive, and what docker save writes; packed by gzip or zstd, too. Prints
the name of each image with its digest. One that has no name needs one by --name.

Examples:
  ebb load busybox.tar
  ebb load --name team/app:v1 ./oci-layout

Environment:
  EBB_CONFIG      the configuration (/etc/ebb/config.json)
  EBB_IMAGES_DIR  where images are kept, instead of the configuration's (/var/lib/ebb)`;

/** The flags of `ebb load`. */
interface LoadFlags extends ProgressFlags {
  readonly name?: string;
}

/** Puts `ebb load` into the program. */
export const addLoad: AddCommand = (program, done) => {
  program
    .command("load")
    .summary("take in images from a file or directory")
    .argument("<file>", "OCI image layout (a directory or a tar archive), or an archive of docker save")
    .option("--name <name>", "what the image is called, whatever the archive says")
    .option("-q, --quiet", "show no progress")
    .option("--json", "print events as JSON, one on each line, as ebb pull does")
    .addHelpText("after", LOAD_HELP)
    .action(async (file: string, flags: LoadFlags) => {
      requireRoot("ebb load");
      if (!existsSync(file)) throw new UsageError(`${file} does not exist`);
      done(await interruptible((signal) => load(path.resolve(file), flags, signal)));
    });
};

function load(file: string, { name, ...flags }: LoadFlags, signal: AbortSignal): Promise<number> {
  return getImages(flags, signal, (options) =>
    loadImages(file, { ...options, ...(name !== undefined && { name }) }),
  );
}

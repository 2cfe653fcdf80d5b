import { type ImageSummary, listImages } from "../images/list-images.ts";
import type { AddCommand } from "./command.ts";
import { interruptible } from "./interruptible.ts";
import { print, printJson } from "./print.ts";
import { describeTable, tableOptions } from "./table.ts";
import { shortId, sinceText, sizeText } from "./words.ts";

const IMAGES_HELP = `
SIZE is what was fetched of it, AGE how long ago that was. An image that was only in part fetched is not listed.

Examples:
  ebb images
  ebb rmi $(ebb images -q)
  ebb images --json | jq -r '.[] | select(.usedBy == []) | .reference'

Environment:
  EBB_CONFIG      the configuration (/etc/ebb/config.json)
  EBB_IMAGES_DIR  where images are kept, instead of the configuration's (/var/lib/ebb)`;

/** The flags of `ebb images`. */
interface ImagesFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Puts `ebb images` into the program. */
export const addImages: AddCommand = (program, done) => {
  program
    .command("images")
    .summary("list the images that are here")
    .option("-q, --quiet", "only their ids, each once")
    .option("--json", "print one JSON document: an array, empty where there is none")
    .addHelpText("after", IMAGES_HELP)
    .action(async (flags: ImagesFlags) => done(await interruptible(() => showImages(flags))));
};

async function showImages({ json, quiet }: ImagesFlags): Promise<number> {
  const images = await listImages();
  if (json) return printJson(images);
  if (!quiet)
    return print(
      describeTable(["IMAGE", "ID", "SIZE", "AGE"], images.map(rowOf), { ...tableOptions(), plain: true }),
    );
  const ids = [...new Set(images.map(({ digest }) => shortId(digest)))];
  return ids.length === 0 ? 0 : print(ids.join("\n"));
}

function rowOf({ reference, digest, size, createdAt }: ImageSummary): string[] {
  return [reference, shortId(digest), sizeText(size), sinceText(createdAt)];
}

import { access, writeFile } from "node:fs/promises";
import path from "node:path";
import { errnoOf } from "../../base/files.ts";
import { fsError } from "../../linux/errno.ts";

/** In a bundle: that its container is a supervisor's. Others make theirs in the same directory. */
const MARK = "supervised";

/** Marks a bundle, where it is there, as that of a supervisor's container. */
export async function markBundle(bundle: string): Promise<void> {
  const file = path.join(bundle, MARK);
  await writeFile(file, "", { mode: 0o600 }).catch((thrown: unknown) => {
    if (errnoOf(thrown) !== "ENOENT") throw fsError(`write ${file}`, thrown);
  });
}

/** Whether a bundle is there, and that of a supervisor's container. */
export function isMarked(bundle: string): Promise<boolean> {
  return access(path.join(bundle, MARK)).then(
    () => true,
    () => false,
  );
}

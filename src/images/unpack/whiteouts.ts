/**
 * How layers say what they hide of the layers below (OCI image specification, layer.md): an entry `.wh.NAME` hides
 * NAME, and `.wh..wh..opq` all that its directory has below.
 */
import { refused, shown } from "./errors.ts";
import { baseOf, parentOf } from "./paths.ts";

const PREFIX = ".wh.";
const OPAQUE = ".wh..wh..opq";
/** What aufs kept for itself in a layer's root, and old images still have: it means nothing to others. */
const AUFS = new Set([".wh..wh.aufs", ".wh..wh.orph", ".wh..wh.plnk"]);

/** What an entry's path says: that of a file, what is hidden, the directory that is opaque, or nothing. */
export type Meaning =
  | { readonly is: "entry" }
  | { readonly is: "whiteout"; readonly path: string }
  | { readonly is: "opaque"; readonly path: string }
  | { readonly is: "nothing" };

/** Reads a clean path; a name that begins like a whiteout and is none is refused. */
export function meaningOf(path: string): Meaning {
  if (AUFS.has(path.split("/", 1)[0] ?? "")) return { is: "nothing" };
  const [directory, base] = [parentOf(path), baseOf(path)];
  const above = directory.split("/").find((component) => component.startsWith(PREFIX));
  if (above !== undefined) throw refused(`lies below the whiteout ${shown(above)}`);
  if (!base.startsWith(PREFIX)) return { is: "entry" };
  if (base === OPAQUE) return { is: "opaque", path: directory };
  const hidden = base.slice(PREFIX.length);
  if (["", ".", ".."].includes(hidden) || hidden.startsWith(PREFIX)) {
    throw refused("a whiteout of what is no file name");
  }
  return { is: "whiteout", path: directory === "" ? hidden : `${directory}/${hidden}` };
}

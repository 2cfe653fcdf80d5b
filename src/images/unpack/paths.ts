import { refused, shown } from "./errors.ts";

/** What Linux takes as the name of a file, and as a path. */
const MAX_COMPONENT_BYTES = 255;
const MAX_PATH_BYTES = 4095;

/**
 * The path of an entry below the layer's root, without `.`, doubled or final slashes; empty for the root itself. A
 * leading slash means the layer's root, as with other programs that unpack images; `..` is refused wherever it is.
 */
export function cleanPath(name: string): string {
  if (name === "") throw refused("no name");
  if (name.includes("\0")) throw refused("a name with a NUL in it");
  if (name.length > MAX_PATH_BYTES) throw refused(`a name of ${name.length} bytes`);
  const components = name.split("/").filter((component) => component !== "" && component !== ".");
  for (const component of components) {
    if (component === "..") throw refused(`${shown(name)} leads out of a directory by ".."`);
    if (component.length > MAX_COMPONENT_BYTES) throw refused(`a file name of ${component.length} bytes`);
  }
  return components.join("/");
}

/** The directory of a path; empty for the root, which has none itself. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** The last component of a path. */
export function baseOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The directories above a path, from the topmost on, without the root. */
export function ancestorsOf(path: string): string[] {
  const ancestors: string[] = [];
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) ancestors.push(path.slice(0, at));
  return ancestors;
}

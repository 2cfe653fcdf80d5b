import fs from "node:fs";

const MOUNTINFO = "/proc/self/mountinfo";

/** One mount as `/proc/self/mountinfo` tells it (proc(5)). */
export interface MountInfo {
  readonly id: number;
  readonly parent: number;
  /** `major:minor` of the file system. */
  readonly device: string;
  /** What of the file system is mounted here; `/` for all of it. */
  readonly root: string;
  readonly mountPoint: string;
  readonly options: string;
  /** `shared:N`, `master:N`, …; empty for a private mount. */
  readonly propagation: readonly string[];
  readonly type: string;
  readonly source: string;
  /** As the kernel writes them: no comma is part of a name, and what `unescapeOctal` undoes is still to be undone. */
  readonly superOptions: string;
}

/** Parses the text of a mountinfo file; a line that is none is left out. */
export function parseMountInfo(text: string): MountInfo[] {
  return text.split("\n").flatMap((line) => parseLine(line) ?? []);
}

function parseLine(line: string): MountInfo | undefined {
  const words = line.split(" ");
  const dash = words.indexOf("-", 6);
  const [id, parent, device, root, mountPoint, options] = words;
  const [type, source, superOptions] = words.slice(dash + 1);
  if (dash < 0 || options === undefined || superOptions === undefined) return undefined;
  return {
    id: Number(id),
    parent: Number(parent),
    device: device ?? "",
    root: unescapeOctal(root ?? ""),
    mountPoint: unescapeOctal(mountPoint ?? ""),
    options,
    propagation: words.slice(6, dash),
    type: type ?? "",
    source: unescapeOctal(source ?? ""),
    superOptions,
  };
}

/**
 * Parses those lines of a mountinfo file that have a text in them, which may begin with the newline before. For who
 * looks for little among much: a host has thousands of mounts, and a thousand lines take an interpreter 6 ms.
 */
export function parseLinesWith(part: string, text: string): MountInfo[] {
  const lines: string[] = [];
  for (let at = text.indexOf(part); at >= 0; ) {
    const last = at + part.length - 1;
    const end = text.indexOf("\n", last);
    lines.push(text.slice(text.lastIndexOf("\n", last) + 1, end < 0 ? undefined : end));
    at = end < 0 ? -1 : text.indexOf(part, end);
  }
  return parseMountInfo(lines.join("\n"));
}

/** Blank, tab, newline and backslash are written as `\040` and so on; so is, in super options, a comma of a name. */
export function unescapeOctal(text: string): string {
  // Nearly all: a host has thousands of mounts, and what the regular expression does is not compiled in a shim.
  if (!text.includes("\\")) return text;
  return text.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** What {@link unescapeOctal} undoes, as it is in the paths of mountinfo. */
export function escapeOctal(text: string): string {
  if (!/[ \t\n\\]/.test(text)) return text;
  return text.replace(/[ \t\n\\]/g, (sign) => `\\${sign.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

/** The mounts that this process sees. */
export function readMountInfo(): MountInfo[] {
  return parseMountInfo(readMountTable());
}

/** The same as text. */
export function readMountTable(): string {
  return fs.readFileSync(MOUNTINFO, "utf8");
}

/** The same, with the open file, which can be asked whether it has changed since (`Libc.hasChanged`). */
export function openMountTable(): { readonly text: string; readonly fd: number; close(): void } {
  const fd = fs.openSync(MOUNTINFO, "r");
  try {
    return { text: fs.readFileSync(fd, "utf8"), fd, close: () => fs.closeSync(fd) };
  } catch (err) {
    fs.closeSync(fd);
    throw err;
  }
}

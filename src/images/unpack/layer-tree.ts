import { refused, shown } from "./errors.ts";
import { ancestorsOf, cleanPath, parentOf } from "./paths.ts";
import type { TarEntry } from "./tar-entry.ts";
import { meaningOf } from "./whiteouts.ts";

/** What an entry of a layer becomes. */
export interface Checked {
  /** Directories that the layer has not named by now. */
  readonly parents: readonly TarEntry[];
  /** The entry itself by its clean path; undefined where it is no file but says what is hidden. */
  readonly entry: TarEntry | undefined;
}

/** Attributes that belong to the mount and the host, not to an image: overlay's own, and labels of their policy. */
const FOREIGN_XATTR = /^(trusted\.overlay\.|user\.overlay\.|security\.selinux$)/;
const OPAQUE_XATTR = "trusted.overlay.opaque";

/** The largest numbers that the kernel takes: an id of all ones means none, a device has 12 and 20 bits. */
const MAX_ID = 0xff_ff_ff_fe;
const MAX_MAJOR = 0xf_ff;
const MAX_MINOR = 0xf_ff_ff;

/**
 * What a layer has had so far, to judge each next entry by: nothing is ever written through a link, linked to from
 * outside or replaced by a thing of another kind. What the layer hides comes at the end, when it is known what it has
 * itself: so the order of its entries does not matter, and only lower layers are hidden.
 */
export class LayerTree {
  /** Directories by their paths, and `undefined` for everything else. */
  readonly #paths = new Map<string, TarEntry | undefined>();
  readonly #whiteouts = new Set<string>();
  readonly #opaque = new Set<string>();

  /** Judges the next entry; throws what is wrong with it. */
  add(raw: TarEntry): Checked {
    const path = cleanPath(raw.name);
    const meaning = meaningOf(path);
    if (meaning.is === "nothing") return { parents: [], entry: undefined };
    if (meaning.is === "whiteout") this.#whiteouts.add(meaning.path);
    if (meaning.is === "opaque") this.#opaque.add(meaning.path);
    const parents = this.#makeParents(path, raw);
    if (meaning.is !== "entry") return { parents, entry: undefined };
    const entry = this.#checked(raw, path);
    this.#paths.set(path, entry.kind === "directory" ? entry : undefined);
    return { parents, entry };
  }

  /**
   * What is to be written last, in overlay's form: directories that are opaque, once more, and the whiteouts. The
   * lowest layer of an image hides nothing, and an opaque directory hides all at once: a whiteout there would be
   * listed as a file that cannot be looked up.
   */
  *finish({ isLowest }: { readonly isLowest: boolean }): Generator<TarEntry, void, undefined> {
    if (isLowest) return;
    const hidden = [...this.#whiteouts];
    for (const path of hidden) if (this.#paths.get(path) !== undefined) this.#opaque.add(path);
    for (const path of this.#opaque) {
      const entry = this.#paths.get(path);
      if (entry !== undefined) yield { ...entry, xattrs: new Map([...entry.xattrs, [OPAQUE_XATTR, "y"]]) };
    }
    for (const path of hidden) if (!this.#paths.has(path) && !this.#isInOpaque(path)) yield whiteout(path);
  }

  /** Whether the layer hides all that is below it: overlay has no sign for that, as roots are always merged. */
  get isOpaque(): boolean {
    return this.#opaque.has("");
  }

  #isInOpaque(path: string): boolean {
    return this.isOpaque || ancestorsOf(path).some((ancestor) => this.#opaque.has(ancestor));
  }

  /** The parents that are not there yet, as other programs make them; refused where one is no directory. */
  #makeParents(path: string, raw: TarEntry): TarEntry[] {
    // The common case: the entry before was in the same directory.
    if (this.#paths.get(parentOf(path)) !== undefined) return [];
    const missing: TarEntry[] = [];
    for (const ancestor of ancestorsOf(path)) {
      if (this.#paths.get(ancestor) !== undefined) continue;
      if (this.#paths.has(ancestor)) throw refused(`lies below ${shown(ancestor)}, which is no directory`);
      const made = { ...NOTHING, kind: "directory", name: ancestor, mode: 0o755, mtime: raw.mtime } as const;
      this.#paths.set(ancestor, made);
      missing.push(made);
    }
    return missing;
  }

  #checked(raw: TarEntry, path: string): TarEntry {
    const isDirectory = raw.kind === "directory";
    if (path === "" && !isDirectory) throw refused("the layer's root must be a directory");
    if (this.#paths.has(path) && (this.#paths.get(path) !== undefined) !== isDirectory) {
      throw refused("the same name for a directory and for something else");
    }
    checkNumbers(raw);
    const xattrs = new Map([...raw.xattrs].filter(([name]) => !FOREIGN_XATTR.test(name)));
    for (const name of xattrs.keys()) checkXattr(name);
    return { ...raw, name: path, target: this.#checkedTarget(raw, path), xattrs };
  }

  #checkedTarget({ kind, target }: TarEntry, path: string): string {
    if (kind === "hardlink") return this.#checkedHardLink(target, path);
    if (kind !== "symlink") return "";
    if (target === "" || target.includes("\0") || target.length > 4095) {
      throw refused(`a symlink to ${shown(target)}`);
    }
    return target;
  }

  #checkedHardLink(target: string, path: string): string {
    const clean = cleanPath(target);
    if (clean === path) throw refused("a hard link to itself");
    if (!this.#paths.has(clean))
      throw refused(`a hard link to ${shown(target)}, which this layer does not have`);
    if (this.#paths.get(clean) !== undefined) throw refused(`a hard link to the directory ${shown(target)}`);
    return clean;
  }
}

const NOTHING: Omit<TarEntry, "kind" | "name" | "mode"> = {
  target: "",
  uid: 0,
  gid: 0,
  size: 0,
  mtime: "0",
  major: 0,
  minor: 0,
  xattrs: new Map(),
};

/** Overlay's sign that a name is not there: a character device of the numbers 0 and 0. */
function whiteout(path: string): TarEntry {
  return { ...NOTHING, kind: "character-device", name: path, mode: 0 };
}

function checkNumbers({ uid, gid, size, major, minor }: TarEntry): void {
  const isIn = (value: number, most: number) => Number.isSafeInteger(value) && value >= 0 && value <= most;
  if (!isIn(uid, MAX_ID)) throw refused(`the user id ${uid}`);
  if (!isIn(gid, MAX_ID)) throw refused(`the group id ${gid}`);
  if (!isIn(size, Number.MAX_SAFE_INTEGER)) throw refused(`a size of ${size} bytes`);
  if (!isIn(major, MAX_MAJOR) || !isIn(minor, MAX_MINOR)) throw refused(`the device ${major}:${minor}`);
}

/** What an attribute's name may be made of, and how long Linux lets it be. */
function checkXattr(name: string): void {
  if (!/^[a-z]+\.[!-~]+$/.test(name) || name.length > 255 || /[=%]/.test(name)) {
    throw refused(`the extended attribute ${shown(name)}`);
  }
}

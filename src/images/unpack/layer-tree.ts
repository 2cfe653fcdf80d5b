import { checkedXattrs, checkNumbers, checkSymlink } from "./entry-check.ts";
import { refused, shown } from "./errors.ts";
import { ancestorsOf, cleanPath, parentOf } from "./paths.ts";
import type { TarEntry } from "./tar-entry.ts";
import { meaningOf } from "./whiteouts.ts";

/** What an entry of a layer becomes. */
export interface Checked {
  /** Directories that the layer has not named by now. */
  readonly parents: readonly TarEntry[];
  /** The entry itself by its clean path; undefined where it makes nothing: it says what is hidden, or is there. */
  readonly entry: TarEntry | undefined;
}

/** What a path of the layer is: a directory by its entry, a symlink by its target, or, as the empty text, all else. */
type Node = TarEntry | string;

const OPAQUE_XATTR = "trusted.overlay.opaque";

/**
 * What a layer has had so far, to judge each next entry by: nothing is ever written through a link, linked to from
 * outside or replaced by a thing of another kind. What the layer hides comes at the end, when it is known what it has
 * itself: so the order of its entries does not matter, and only lower layers are hidden.
 */
export class LayerTree {
  readonly #nodes = new Map<string, Node>();
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
    checkNumbers(raw);
    const entry = { ...raw, name: path, target: this.#targetOf(raw, path), xattrs: checkedXattrs(raw) };
    return { parents, entry: this.#note(entry) ? entry : undefined };
  }

  /**
   * What is to be written last, in overlay's form: directories that are opaque, once more, and the whiteouts. The
   * lowest layer of an image hides nothing, and an opaque directory hides all at once: a whiteout there would be
   * listed as a file that cannot be looked up.
   */
  *finish({ isLowest }: { readonly isLowest: boolean }): Generator<TarEntry, void, undefined> {
    if (isLowest) return;
    const hidden = [...this.#whiteouts];
    for (const path of hidden) if (this.#directory(path) !== undefined) this.#opaque.add(path);
    for (const path of this.#opaque) {
      const entry = this.#directory(path);
      if (entry !== undefined) yield { ...entry, xattrs: new Map([...entry.xattrs, [OPAQUE_XATTR, "y"]]) };
    }
    for (const path of hidden) if (!this.#nodes.has(path) && !this.#isInOpaque(path)) yield whiteout(path);
  }

  /** Whether the layer hides all that is below it: overlay has no sign for that, as roots are always merged. */
  get isOpaque(): boolean {
    return this.#opaque.has("");
  }

  #isInOpaque(path: string): boolean {
    return this.isOpaque || ancestorsOf(path).some((ancestor) => this.#opaque.has(ancestor));
  }

  #directory(path: string): TarEntry | undefined {
    const node = this.#nodes.get(path);
    return typeof node === "object" ? node : undefined;
  }

  /** The parents that are not there yet, as other programs make them; refused where one is no directory. */
  #makeParents(path: string, { mtime }: TarEntry): TarEntry[] {
    // The common case: an entry before was in the same directory.
    if (this.#directory(parentOf(path)) !== undefined) return [];
    const missing: TarEntry[] = [];
    for (const ancestor of ancestorsOf(path)) {
      if (this.#directory(ancestor) !== undefined) continue;
      if (this.#nodes.has(ancestor)) throw refused(`lies below ${shown(ancestor)}, which is no directory`);
      const made: TarEntry = { ...NOTHING, kind: "directory", name: ancestor, mode: 0o755, mtime };
      this.#nodes.set(ancestor, made);
      missing.push(made);
    }
    return missing;
  }

  #targetOf(raw: TarEntry, path: string): string {
    if (raw.kind === "symlink") checkSymlink(raw);
    return raw.kind === "hardlink" ? this.#linked(raw.target, path) : raw.target;
  }

  #linked(target: string, path: string): string {
    const clean = cleanPath(target);
    if (clean === path) throw refused("a hard link to itself");
    if (this.#directory(clean) !== undefined) throw refused(`a hard link to the directory ${shown(target)}`);
    if (this.#nodes.has(clean)) return clean;
    throw refused(`a hard link to ${shown(target)}, which this layer does not have`);
  }

  /** Notes down what a path is from now on; false where it is just that already, and nothing is to be made. */
  #note(entry: TarEntry): boolean {
    const [before, node] = [this.#nodes.get(entry.name), this.#nodeOf(entry)];
    this.#nodes.set(entry.name, node);
    if (entry.name === "" && entry.kind !== "directory")
      throw refused("the layer's root must be a directory");
    if (before === undefined) return true;
    if (typeof before !== typeof node) throw refused("the same name for a directory and for something else");
    const wasSymlink = typeof before === "string" && before !== "";
    // GNU tar makes symlinks that lead far away only at its end, over what may have taken their places.
    if (wasSymlink && before !== node) throw refused("the same name for a symlink and for something else");
    return !wasSymlink;
  }

  #nodeOf(entry: TarEntry): Node {
    if (entry.kind === "directory") return entry;
    if (entry.kind === "symlink") return entry.target;
    return entry.kind === "hardlink" ? (this.#nodes.get(entry.target) ?? "") : "";
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

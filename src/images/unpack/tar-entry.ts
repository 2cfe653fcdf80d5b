/** What an entry of an archive makes. */
export type EntryKind =
  | "file"
  | "directory"
  | "symlink"
  | "hardlink"
  | "character-device"
  | "block-device"
  | "fifo";

/**
 * An entry of a tar archive. Names and values of attributes are bytes, one a character (latin1): what is in an image
 * need not be UTF-8, and a file capability never is.
 */
export interface TarEntry {
  readonly kind: EntryKind;
  readonly name: string;
  /** Of a symlink or hard link; empty for others. */
  readonly target: string;
  /** Permissions, set-user-ID and the like; no file type. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** How many bytes of data follow; 0 for all but files. */
  readonly size: number;
  /** Seconds since 1970, with a fraction if there is one. */
  readonly mtime: string;
  readonly major: number;
  readonly minor: number;
  /** Extended attributes by their names. */
  readonly xattrs: ReadonlyMap<string, string>;
}

import { refused, shown } from "./errors.ts";
import type { TarEntry } from "./tar-entry.ts";

/** The largest numbers that the kernel takes: an id of all ones means none, a device has 12 and 20 bits. */
const MAX_ID = 0xff_ff_ff_fe;
const MAX_MAJOR = 0xf_ff;
const MAX_MINOR = 0xf_ff_ff;
/** The longest target of a symlink, and name of an attribute. */
const MAX_TARGET_BYTES = 4095;
const MAX_XATTR_BYTES = 255;

/** Refuses what the kernel has no number for. */
export function checkNumbers({ uid, gid, size, major, minor }: TarEntry): void {
  const isIn = (value: number, most: number) => Number.isSafeInteger(value) && value >= 0 && value <= most;
  if (!isIn(uid, MAX_ID)) throw refused(`the user id ${uid}`);
  if (!isIn(gid, MAX_ID)) throw refused(`the group id ${gid}`);
  if (!isIn(size, Number.MAX_SAFE_INTEGER)) throw refused(`a size of ${size} bytes`);
  if (!isIn(major, MAX_MAJOR) || !isIn(minor, MAX_MINOR)) throw refused(`the device ${major}:${minor}`);
}

/** Refuses a target that no symlink can have. What it leads to is the container's business. */
export function checkSymlink({ target }: TarEntry): void {
  if (target === "" || target.includes("\0") || target.length > MAX_TARGET_BYTES) {
    throw refused(`a symlink to ${shown(target)}`);
  }
}

/** Attributes that belong to the mount and the host, not to an image: overlay's own, and labels of their policy. */
const FOREIGN_XATTR = /^(trusted\.overlay\.|user\.overlay\.|security\.selinux$)/;

/** The attributes that an entry is to have. */
export function checkedXattrs({ xattrs }: TarEntry): ReadonlyMap<string, string> {
  const own = [...xattrs].filter(([name]) => !FOREIGN_XATTR.test(name));
  for (const [name] of own) {
    // The characters left out have a meaning where the attribute is handed on.
    const isName = /^[a-z]+\.[!-~]+$/.test(name) && !/[=%]/.test(name);
    if (!isName || name.length > MAX_XATTR_BYTES) throw refused(`the extended attribute ${shown(name)}`);
  }
  return new Map(own);
}

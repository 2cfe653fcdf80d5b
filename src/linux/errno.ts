import { StatusCode, StatusError } from "../base/status.ts";

/** The errnos of this platform by names and numbers, made at the first error: most shims meet none. */
let errnos:
  | { readonly numbers: ReadonlyMap<string, number>; readonly names: ReadonlyMap<number, string> }
  | undefined;

function platform() {
  if (errnos !== undefined) return errnos;
  const { constants } = process.getBuiltinModule("node:os");
  // mount(2) gives two more that the runtime has no name for.
  const all = Object.entries({ ...constants.errno, ENOTBLK: 15, EUCLEAN: 117 });
  // Of two names for one number (EAGAIN is EWOULDBLOCK) the first in the alphabet.
  const sorted = all.sort(([a], [b]) => (a < b ? 1 : -1));
  errnos = { numbers: new Map(all), names: new Map(sorted.map(([name, number]) => [number, name])) };
  return errnos;
}

/** Which gRPC code says what an errno says. What is not listed has no better word than `unknown`. */
const CODES: Readonly<Record<string, StatusCode>> = {
  ENOENT: StatusCode.notFound,
  ENODEV: StatusCode.notFound,
  ENXIO: StatusCode.notFound,
  ESRCH: StatusCode.notFound,
  ECHILD: StatusCode.notFound,
  EEXIST: StatusCode.alreadyExists,
  EACCES: StatusCode.permissionDenied,
  EPERM: StatusCode.permissionDenied,
  EROFS: StatusCode.permissionDenied,
  EINVAL: StatusCode.invalidArgument,
  ENOTDIR: StatusCode.invalidArgument,
  ENOTBLK: StatusCode.invalidArgument,
  ELOOP: StatusCode.invalidArgument,
  ENAMETOOLONG: StatusCode.invalidArgument,
  EBUSY: StatusCode.failedPrecondition,
  EAGAIN: StatusCode.unavailable,
  EMFILE: StatusCode.resourceExhausted,
  ENFILE: StatusCode.resourceExhausted,
  ENOMEM: StatusCode.resourceExhausted,
  ENOSPC: StatusCode.resourceExhausted,
  EDQUOT: StatusCode.resourceExhausted,
  ENOSYS: StatusCode.unimplemented,
  EOPNOTSUPP: StatusCode.unimplemented,
};

/** The symbol of an errno (errno(3)), or `errno 12345` for a number that has none. */
export function errnoName(errno: number): string {
  return platform().names.get(errno) ?? `errno ${errno}`;
}

/** The one translator of the kernel's errors: a StatusError that reads `mount /a on /b: EBUSY`. */
export function errnoError(what: string, errno: number): StatusError {
  const name = errnoName(errno);
  return new StatusError(CODES[name] ?? StatusCode.unknown, `${what}: ${name}`);
}

/** The same for what `node:fs` throws; anything else that was thrown passes through the usual gate. */
export function fsError(what: string, thrown: unknown): StatusError {
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  if (!platform().numbers.has(code)) return StatusError.from(thrown);
  return new StatusError(CODES[code] ?? StatusCode.unknown, `${what}: ${code}`, { cause: thrown });
}

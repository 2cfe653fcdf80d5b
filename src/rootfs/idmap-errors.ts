import { StatusCode, StatusError } from "../base/status.ts";

/** The kernel says the same of a file system that cannot map ids as of anything else that is wrong. */
export function explainNotMapped(what: string, thrown: unknown): StatusError {
  const err = StatusError.from(thrown);
  if (err.code === StatusCode.unimplemented) {
    const message = `${what}: this kernel has no idmapped mounts, which are there since 5.12: ${err.message}`;
    return new StatusError(err.code, message, { cause: err });
  }
  if (err.code !== StatusCode.invalidArgument) return err;
  const message = `${what}: its file system cannot have its ids mapped on this kernel: ${err.message}`;
  return new StatusError(StatusCode.failedPrecondition, message, { cause: err });
}

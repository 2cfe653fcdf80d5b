import { checkId } from "../../oci/id.ts";
import { type Flags, usageError } from "../flags.ts";

/** Throws `invalidArgument` unless the flags name a namespace and a container, by names that may be parts of paths. */
export function checkNames({ namespace, id }: Flags): void {
  if (namespace === "") throw usageError("flag -namespace is missing or empty");
  if (id === "") throw usageError("flag -id is missing or empty");
  checkId(id);
  checkId(namespace);
}

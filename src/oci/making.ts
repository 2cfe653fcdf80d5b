/**
 * The commands of an OCI runtime that make something, and had better not go on when nobody wants it any more. Others,
 * `delete` with its hooks above all, had better come to their end.
 */
export const MAKING: ReadonlySet<string> = new Set(["create", "restore", "run", "start", "exec"]);

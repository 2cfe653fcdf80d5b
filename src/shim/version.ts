/** The version of the shim, as `-v` and `-info` report it. The build replaces both constants. */
declare const EBB_VERSION: string | undefined;
declare const EBB_REVISION: string | undefined;

/** Semantic version of this build; `0.0.0-dev` where the program runs from source. */
export const version = typeof EBB_VERSION === "string" ? EBB_VERSION : "0.0.0-dev";

/** The commit this build was made from; empty where it is not known. */
export const revision = typeof EBB_REVISION === "string" ? EBB_REVISION : "";

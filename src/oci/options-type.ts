import type { AnyMessage } from "./options.ts";

/** Options of a runc container, as the daemon's clients send them. */
export const RUNC_OPTIONS = "containerd.runc.v1.Options";
/** What a daemon sends for a runtime whose options it does not know. */
export const GENERIC_OPTIONS = "runtimeoptions.v1.Options";

/** The message that a type's URL names, whatever comes before it. */
export function messageNameOf(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
}

/** Whether options are of a type that is known here. */
export function areRuncOptions({ typeUrl }: AnyMessage): boolean {
  return [RUNC_OPTIONS, GENERIC_OPTIONS].includes(messageNameOf(typeUrl ?? ""));
}

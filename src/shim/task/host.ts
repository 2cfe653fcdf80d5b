import type { ChildExits } from "../../linux/child-exits.ts";
import type { RootfsHost } from "../rootfs.ts";
import type { OomWatches } from "./oom.ts";

/** What every container of a shim shares. */
export interface Host extends RootfsHost {
  readonly namespace: string;
  readonly childExits: ChildExits;
  readonly oom: OomWatches;
}

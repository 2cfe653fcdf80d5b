import type { Logger } from "../base/logger.ts";
import type { ReleaseMode } from "../base/release-mode.ts";
import type { Libc } from "../linux/libc.ts";
import type { HelperCommand } from "./release-helper.ts";

/** What every release of a shim shares. */
export interface ReleaseHost {
  readonly libc: Libc;
  readonly logger: Logger;
  /** Where the shims of this host tell each other of their releases; `/run/ebb` unless configured. */
  readonly runDirectory: string;
  /** How long a release waits for those before it on its device, in milliseconds, before it goes ahead. */
  readonly turnMs: number;
  /** What can hold a mount where there is no shell. */
  readonly helpers?: readonly HelperCommand[];
  /** The shell that holds mounts; `/bin/sh` where it is missing. */
  readonly shell?: string;
}

/** Whose rootfs is released, and how. */
export interface ReleaseRequest {
  /** Where it is mounted: an absolute path. */
  readonly rootfs: string;
  readonly namespace: string;
  readonly id: string;
  readonly mode: ReleaseMode;
  /** Mounts, by their ids in mountinfo, that stay. */
  readonly keep?: ReadonlySet<number>;
}

import type { google } from "../proto/index.ts";
import type { EventReceiver } from "./event-receiver.ts";
import type { RootfsSource } from "./rootfs.ts";
import type { StartInput } from "./shim-command.ts";
import type { SpecOptions } from "./spec.ts";
import type { StdioOptions } from "./stdio.ts";
import type { StepListener } from "./steps.ts";

/** What a container is made of and which shim runs it. */
export interface ContainerOptions {
  /** A shim: a path, `io.containerd.NAME.vN`, or the name of a program in PATH. */
  readonly runtime: string;
  readonly namespace: string;
  readonly id: string;
  /** Where bundles, sockets and writable layers are made; made itself (0700) where it is missing. */
  readonly stateDir: string;
  readonly rootfs: RootfsSource;
  readonly spec: Omit<SpecOptions, "namespace" | "id">;
  readonly stdio?: StdioOptions;
  /**
   * Who takes the shim's events, and is closed by who made it. If not given, the container has one of its own.
   * Containers that share a shim have to share one: the shim knows only that of its first container.
   */
  readonly events?: EventReceiver;
  /** Which daemon to be towards the shim; one before 2.3 if not given. */
  readonly bootstrap?: StartInput["bootstrap"];
  /** Where the shim puts its socket; only a 2.3 daemon can say so. */
  readonly socketDir?: string;
  /** Options of the runtime, for `start` and Create. */
  readonly runtimeOptions?: google.protobuf.IAny;
  readonly debug?: boolean;
  /** More environment variables for the shim. */
  readonly env?: Readonly<Record<string, string>>;
  readonly onStep?: StepListener;
  /** Gets each line that the shim logs. */
  readonly onLog?: (line: string) => void;
  /** Ends what is being done with a rejection; it does not remove anything by itself. */
  readonly signal?: AbortSignal;
}

/** How a container's init has ended. */
export interface ContainerExit {
  /** 128 + the signal's number where a signal has ended it. */
  readonly exitStatus: number;
  readonly exitedAt: Date | undefined;
}

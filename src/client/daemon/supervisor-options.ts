import type { ContainerConfig } from "./container-config.ts";
import type { ContainerStatus } from "./status.ts";
import type { SupervisorLimits } from "./supervisor-limits.ts";

/** Where a supervisor keeps its containers. */
export interface SupervisorOptions {
  /**
   * What goes with a boot: records, bundles, the socket for events; made (0700) where it is missing. On a tmpfs. The
   * containers that others have there are left alone.
   */
  readonly stateDir: string;
  /** The disk of the images: `containers/` has what containers write, their output included. */
  readonly imagesDir: string;
  /** The namespace of all of its containers. */
  readonly namespace: string;
  /** The shims' run directory; that of this host's configuration and environment where it is missing. */
  readonly runDirectory?: string;
  /** Other limits than the usual ones. */
  readonly limits?: Partial<SupervisorLimits>;
  /** Gets each line that a shim logs. */
  readonly onLog?: (id: string, line: string) => void;
}

/** A container: what it was made of, and what is known of it now. */
export interface ContainerView {
  readonly config: ContainerConfig;
  readonly status: ContainerStatus;
}

/** Where the streams of a process go: paths of fifos or URIs, as a shim takes them. */
export interface StdioPaths {
  readonly stdin?: string;
  readonly stdout?: string;
  readonly stderr?: string;
}

/** A further process of a container. */
export interface ExecOptions {
  readonly execId: string;
  readonly args: readonly string[];
  /** Added to the container's own, which they overrule. */
  readonly env: readonly string[];
  /** The container's if not given. */
  readonly cwd?: string;
  /** As typed; the container's if not given. */
  readonly user?: string;
  readonly terminal: boolean;
  readonly stdio: StdioPaths;
}

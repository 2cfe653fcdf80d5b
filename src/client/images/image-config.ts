import type { ImageConfig as WrittenConfig } from "../../images/manifest.ts";

/** What an image says about the containers that are made of it; what it leaves out is empty. */
export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  /** `NAME=value` each. */
  readonly env: readonly string[];
  /** `/` where the image names none. */
  readonly workingDir: string;
  /** As the image has it: NAME[:GROUP] or UID[:GID]. */
  readonly user: string;
  /** A name (`SIGTERM`) or a number. */
  readonly stopSignal: string;
}

/** What a configuration says that is of use here. */
export function imageConfigOf({ config = {} }: WrittenConfig): ImageConfig {
  const { Entrypoint, Cmd, Env, WorkingDir, User, StopSignal } = config;
  return {
    entrypoint: Entrypoint ?? [],
    cmd: Cmd ?? [],
    env: Env ?? [],
    workingDir: WorkingDir || "/",
    user: User ?? "",
    stopSignal: StopSignal ?? "",
  };
}

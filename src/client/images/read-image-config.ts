import type { ImageConfig as WrittenConfig } from "../../images/manifest.ts";
import type { ImageConfig } from "./image-config.ts";

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

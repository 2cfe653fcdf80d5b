import { type CriScene, startCri } from "../../lab/cri-scene.ts";
import type { PrivateContainerdOptions } from "../../lab/private-containerd.ts";
import { SHIM_DIR } from "./runtimes.ts";

export type { CriScene };

/** Starts a containerd that serves CRI and knows both shims, and imports the images. */
export function startCriScene(options: PrivateContainerdOptions = {}): Promise<CriScene> {
  return startCri({ shimDirs: [SHIM_DIR], ...options });
}

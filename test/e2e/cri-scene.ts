import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Cri } from "../../lab/cri.ts";
import { BUSYBOX_IMAGE, PAUSE_IMAGE, writeBusyboxImage, writePauseImage } from "../../lab/image.ts";
import {
  type PrivateContainerd,
  type PrivateContainerdOptions,
  startPrivateContainerd,
} from "../../lab/private-containerd.ts";
import { until } from "../../lab/until.ts";
import { SHIM_DIR } from "./runtimes.ts";

/** A containerd that serves CRI and has the images, and the connection by which it is driven. */
export interface CriScene {
  readonly containerd: PrivateContainerd;
  readonly cri: Cri;
  dispose(): Promise<void>;
}

/** A pod with one container in it. */
export interface RunningPod {
  readonly id: string;
  readonly container: string;
}

/** Starts a containerd that knows both shims, and imports the images. */
export async function startCriScene(options: PrivateContainerdOptions = {}): Promise<CriScene> {
  const containerd = await startPrivateContainerd({ shimDirs: [SHIM_DIR], ...options, cri: true });
  const cri = new Cri(containerd.address);
  const dispose = async () => {
    cri.close();
    await containerd.dispose();
  };
  try {
    await importImages(containerd, cri);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { containerd, cri, dispose };
}

async function importImages(containerd: PrivateContainerd, cri: Cri): Promise<void> {
  const scratch = mkdtempSync(path.join(os.tmpdir(), "ebb-test-e2e-"));
  try {
    const archive = path.join(scratch, "image.tar");
    for (const write of [writeBusyboxImage, writePauseImage]) {
      await write(archive);
      await containerd.mustCtr(["image", "import", archive]);
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
  for (const image of [BUSYBOX_IMAGE, PAUSE_IMAGE]) {
    await until(`CRI to have ${image}`, async () => ((await cri.hasImage(image)) ? true : undefined));
  }
}

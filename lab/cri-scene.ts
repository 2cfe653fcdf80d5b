import { Cri } from "./cri.ts";
import { BUSYBOX_IMAGE, PAUSE_IMAGE, writeBusyboxImage, writePauseImage } from "./image.ts";
import { importImages } from "./import-images.ts";
import {
  type PrivateContainerd,
  type PrivateContainerdOptions,
  startPrivateContainerd,
} from "./private-containerd.ts";
import { until } from "./until.ts";

/** A containerd that serves CRI and has the images, and the connection by which it is driven. */
export interface CriScene {
  readonly containerd: PrivateContainerd;
  readonly cri: Cri;
  dispose(): Promise<void>;
}

/** Starts a containerd that serves CRI, and imports the images. */
export async function startCri(options: PrivateContainerdOptions): Promise<CriScene> {
  const containerd = await startPrivateContainerd({ ...options, cri: true });
  const cri = new Cri(containerd.address);
  const dispose = async () => {
    cri.close();
    await containerd.dispose();
  };
  try {
    await addImages(containerd, cri);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { containerd, cri, dispose };
}

async function addImages(containerd: PrivateContainerd, cri: Cri): Promise<void> {
  await importImages(containerd, [writeBusyboxImage, writePauseImage]);
  for (const image of [BUSYBOX_IMAGE, PAUSE_IMAGE]) {
    await until(`CRI to have ${image}`, async () => ((await cri.hasImage(image)) ? true : undefined));
  }
}

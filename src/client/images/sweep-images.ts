import { hasCode, StatusCode } from "../../base/status.ts";
import { type Digest, hexOf } from "../../images/digest.ts";
import { collectGarbage } from "../../images/garbage.ts";
import { containerUses } from "./container-uses.ts";
import { openImageSide } from "./image-side.ts";

/**
 * Removes blobs and unpacked layers that no image needs, and what processes have left that were interrupted while they
 * unpacked one; a layer that a container is made of stays. False where
 * images are being fetched or unpacked, longer than the setting `lockMs` says, which may need any of them: then all
 * of it stays for now.
 */
export async function sweepImages(waitMs?: number): Promise<boolean> {
  const { directory, settings, layers } = await openImageSide();
  const remove = async (chainIds: readonly Digest[]) => {
    const lowerDirs = (await containerUses(directory)).flatMap((use) => use.lowerDirs);
    // A layer's directory has its chain id in its path, which is long enough to be no other's.
    await layers.remove(chainIds, (chainId) => lowerDirs.some((dir) => dir.includes(hexOf(chainId))));
  };
  try {
    await layers.sweep();
    const limitMs = waitMs ?? settings.limits.lockMs;
    await collectGarbage(directory, { limitMs, layers: { list: () => layers.list(), remove } });
    return true;
  } catch (error) {
    if (hasCode(error, StatusCode.unavailable)) return false;
    throw error;
  }
}

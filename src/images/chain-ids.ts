import { type Digest, digestOf } from "./digest.ts";

/**
 * What names each layer of an image together with all below it, for the digests of the layers unpacked, the lowest
 * first (OCI image specification, config.md, "Layer ChainID").
 */
export function chainIdsOf(diffIds: readonly Digest[]): Digest[] {
  const chainIds: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chainIds.at(-1);
    chainIds.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chainIds;
}

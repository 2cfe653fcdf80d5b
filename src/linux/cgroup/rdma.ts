import { readCgroupFile } from "./files.ts";
import { parseRdma } from "./values.ts";

/** The figures of RDMA devices, which v1 and v2 have in the same files. */
export async function readRdma(dir: string) {
  return {
    current: parseRdma(await readCgroupFile(dir, "rdma.current")),
    limit: parseRdma(await readCgroupFile(dir, "rdma.max")),
  };
}

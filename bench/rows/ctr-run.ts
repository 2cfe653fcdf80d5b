import { BUSYBOX_IMAGE } from "../../lab/image.ts";
import { whyNoContainerd } from "../../lab/private-containerd.ts";
import { compare, type Figure } from "../comparison.ts";
import { BenchDaemon } from "../daemon.ts";
import type { BenchLab } from "../lab.ts";
import type { ResultTable, Row } from "../result.ts";
import { inRounds } from "../rounds.ts";

const FIGURES: readonly Figure<"ms">[] = [{ key: "ms", title: "`ctr run --rm`", unit: "ms", p99: true }];

/** How long a user waits for the shortest of containers. */
export const ctrRun: Row = {
  name: "ctr-run",
  whyNot: whyNoContainerd,
  run: (lab) =>
    BenchDaemon.with(lab, async (daemon) => ({
      title: "A container that does nothing",
      how: "`ctr run --rm` of `true`, from the start of `ctr` to its end.",
      tables: await tablesOfRuns(lab, daemon, "ctr-run"),
    })),
};

/** Containers run by `ctr`; `name` is what is shown while they are measured. */
export async function tablesOfRuns(
  lab: BenchLab,
  { containerd, links, shims: subjects }: BenchDaemon,
  name: string,
): Promise<readonly ResultTable[]> {
  const samples = await inRounds(lab, { name, subjects, usual: 30, warmUp: 2 }, async (shim) => {
    const args = ["run", "--rm", "--runtime", links.runtimeOf(shim), BUSYBOX_IMAGE, lab.newId(), "true"];
    const begun = performance.now();
    await containerd.mustCtr(args);
    return { ms: performance.now() - begun };
  });
  return compare(FIGURES, samples, lab.reference);
}

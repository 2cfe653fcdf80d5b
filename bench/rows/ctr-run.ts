import { BUSYBOX_IMAGE } from "../../lab/image.ts";
import { whyNoContainerd } from "../../lab/private-containerd.ts";
import { compare, type Figure } from "../comparison.ts";
import { BenchDaemon } from "../daemon.ts";
import type { Row } from "../result.ts";
import { inRounds } from "../rounds.ts";

const FIGURES: readonly Figure<"ms">[] = [{ key: "ms", title: "`ctr run --rm`", unit: "ms", p99: true }];

/** How long a user waits for the shortest of containers. */
export const ctrRun: Row = {
  name: "ctr-run",
  whyNot: whyNoContainerd,
  run: (lab) =>
    BenchDaemon.with(lab, async ({ containerd, links, shims: subjects }) => {
      const rounds = { name: "ctr-run", subjects, usual: 30, warmUp: 2 };
      const samples = await inRounds(lab, rounds, async (shim) => {
        const args = ["run", "--rm", "--runtime", links.runtimeOf(shim), BUSYBOX_IMAGE, lab.newId(), "true"];
        const begun = performance.now();
        await containerd.mustCtr(args);
        return { ms: performance.now() - begun };
      });
      return {
        title: "A container that does nothing",
        how: "`ctr run --rm` of `true`, from the start of `ctr` to its end.",
        tables: compare(FIGURES, samples, lab.reference),
      };
    }),
};

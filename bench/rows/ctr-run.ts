import { BUSYBOX_IMAGE } from "../../lab/image.ts";
import { whyNoContainerd } from "../../lab/private-containerd.ts";
import { compare, type Figure } from "../comparison.ts";
import { BenchDaemon } from "../daemon.ts";
import { interleave } from "../interleave.ts";
import type { Row } from "../result.ts";

const FIGURES: readonly Figure<"ms">[] = [{ key: "ms", title: "`ctr run --rm`", unit: "ms", p99: true }];

/** How long a user waits for the shortest of containers. */
export const ctrRun: Row = {
  name: "ctr-run",
  whyNot: whyNoContainerd,
  run: (lab) =>
    BenchDaemon.with(lab, async ({ containerd, links, shims: subjects }) => {
      const { signal, reference } = lab;
      const rounds = { subjects, count: lab.rounds(30), warmUp: 2, signal };
      const samples = await interleave(rounds, async (shim, round) => {
        lab.progress(`ctr-run: round ${round + 1} of ${rounds.count}, ${shim.label}`);
        const args = ["run", "--rm", "--runtime", links.runtimeOf(shim), BUSYBOX_IMAGE, lab.newId(), "true"];
        const begun = performance.now();
        await containerd.mustCtr(args);
        return { ms: performance.now() - begun };
      });
      return {
        title: "A container that does nothing",
        how: "`ctr run --rm` of `true`, from the start of `ctr` to its end.",
        tables: compare(FIGURES, samples, reference),
      };
    }),
};

import { whyNoCpuGroup } from "../../lab/cpu-group.ts";
import { whyNoContainerd } from "../../lab/private-containerd.ts";
import { BenchDaemon } from "../daemon.ts";
import type { BenchLab } from "../lab.ts";
import type { ResultTable, Row } from "../result.ts";
import { tablesOfRuns } from "./ctr-run.ts";
import { tablesOfStarts } from "./launch.ts";
import { tablesOfSteps } from "./life.ts";
import { tablesOfShortContainers } from "./short-containers.ts";

/** As many shims may stand by as containers are run at a time. */
const AT_ONCE = 2;

/** What changes where our shims stand by for the next container; the others know no such thing. */
export const standby: Row = {
  name: "standby",
  whyNot: () => whyNoContainerd() ?? whyNoCpuGroup(),
  async run(usual) {
    const lab = { ...usual, env: { ...usual.env, EBB_STANDBY_AT_ONCE: String(AT_ONCE) } };
    return {
      title: "With shims that stand by",
      how: `The same once more where the settings have ${AT_ONCE} shims stand by (\`runtime.limits.standbyAtOnce\`): \`ctr run\`, short containers, a shim's start, and a container's life.`,
      tables: [
        ...(await BenchDaemon.with(lab, (daemon) => underContainerd(lab, daemon))),
        ...(await tablesOfStarts(lab, "standby: launch")),
        ...(await tablesOfSteps(lab, "standby: life")),
      ],
    };
  },
};

async function underContainerd(lab: BenchLab, daemon: BenchDaemon): Promise<readonly ResultTable[]> {
  return [
    ...(await tablesOfRuns(lab, daemon, "standby: ctr-run")),
    ...(await tablesOfShortContainers(lab, daemon, "standby: short-containers")),
  ];
}

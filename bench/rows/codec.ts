import { must } from "../../lab/command.ts";
import { compare } from "../comparison.ts";
import { interleave } from "../interleave.ts";
import type { Row } from "../result.ts";
import { CODEC_TASKS, type CodecTask } from "../ttrpc/codec-tasks.ts";
import { bundle } from "../ttrpc/programs.ts";
import { runtimes } from "../ttrpc/runtimes.ts";

const ROUNDS = 3;
const FIGURES = (Object.entries(CODEC_TASKS) as [CodecTask, string][]).map(([key, title]) => ({
  key,
  title,
  unit: "µs",
}));

/** What a call's parts take without a socket. */
export const codec: Row = {
  name: "codec",
  async run(lab) {
    const program = await bundle("codec", lab.dir);
    const plan = { subjects: await runtimes(), count: lab.rounds(ROUNDS), signal: lab.signal };
    const samples = await interleave(plan, async ({ label, command, env = process.env }, round) => {
      lab.progress(`codec: round ${round + 1} of ${plan.count}, ${label}`);
      const [runtime = "", ...args] = command;
      const nanos: Record<CodecTask, number> = JSON.parse(await must(runtime, [...args, program], { env }));
      return Object.fromEntries(Object.entries(nanos).map(([name, ns]) => [name, ns / 1e3])) as typeof nanos;
    });
    return {
      title: "The ttrpc codec",
      how: "The parts of a call one by one, and a whole call between a client and a server in one process: the median of as many as a tenth of a second has.",
      tables: compare(FIGURES, samples, undefined),
    };
  },
};

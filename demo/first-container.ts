import path from "node:path";
import { runContainer, type Step } from "../src/client/index.ts";
import { bold, dim, duration, green, printTable, red, say } from "./paint.ts";
import type { Stage } from "./stage.ts";

/** What each step of the client is, in the words of a daemon. */
const MEANING: Readonly<Record<string, string>> = {
  prepare: "bundle, fifos, event socket",
  launch: "the shim's start, until it is connected",
  create: "rootfs mounted, runc makes the container",
  start: "the program runs",
  wait: "until the program has ended",
  delete: "what runc keeps removed, rootfs out of the tree",
  shutdown: "until the shim's process is gone",
  remove: "bundle and layers removed",
};

const STATUS = 7;

/** Runs one container from launch to removal, shows its output and how long each step took. */
export async function firstContainer(stage: Stage, runtime: string): Promise<boolean> {
  const output: string[] = [];
  const steps: Step[] = [];
  const collect = (data: Uint8Array) => void output.push(Buffer.from(data).toString());
  say(bold("A container from launch to removal"));
  const { exitStatus, pid } = await runContainer({
    runtime,
    namespace: stage.namespace,
    id: "first",
    stateDir: path.join(stage.dir, "state"),
    rootfs: { kind: "overlay", lower: stage.rootfs },
    spec: {
      args: [
        "sh",
        "-c",
        `echo "hello from $(hostname), a $(uname -s) $(uname -r) container"; exit ${STATUS}`,
      ],
    },
    stdio: { stdout: collect, stderr: collect },
    onStep: (step) => void (step.state === "ended" && steps.push(step)),
    signal: stage.signal,
  });
  const rows = steps.flatMap((step) =>
    step.state === "ended" ? [[step.name, dim(MEANING[step.name] ?? ""), duration(step.durationMs)]] : [],
  );
  printTable(["step", "what it is", "took"], rows);
  const text = output.join("").trim();
  const well = exitStatus === STATUS && text.startsWith("hello from first");
  say(`Its output: ${text}`);
  say(
    `Its exit status: ${exitStatus} (pid ${pid}), ${well ? green("as it should be") : red("which is wrong")}`,
  );
  return well;
}

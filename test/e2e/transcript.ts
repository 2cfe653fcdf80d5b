import type { CommandResult } from "../../lab/command.ts";
import { containerdVersion } from "../../lab/containerd-config.ts";
import { CONTROL, type Runtime, tellsItsLast } from "./runtimes.ts";
import { killContainer, runArgs, type Scene } from "./scene.ts";

const [MAJOR] = containerdVersion();

/** What somebody who works with `ctr` gets to see, with all that differs from run to run given fixed names. */
export interface Transcript {
  readonly commands: readonly string[];
  readonly events: readonly string[];
}

/** Gives pids, times and paths names by the order in which they come up. */
class Names {
  readonly #pids = new Map<string, string>();
  readonly #fixed: readonly (readonly [string, string])[];

  constructor(fixed: readonly (readonly [string, string])[]) {
    this.#fixed = fixed;
  }

  pid(pid: unknown): string {
    const key = String(pid);
    const name = this.#pids.get(key) ?? `pid${this.#pids.size + 1}`;
    this.#pids.set(key, name);
    return name;
  }

  text(text: string): string {
    let named = text;
    for (const [value, name] of this.#fixed) named = named.replaceAll(value, name);
    for (const [pid, name] of this.#pids) named = named.replaceAll(new RegExp(`\\b${pid}\\b`, "g"), name);
    return (
      named
        .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| \+0000 UTC)/g, "<time>")
        // Daemons from 1.7 on show a time as it is sent.
        .replaceAll(/\{"seconds":\d+,"nanos":\d+\}/g, '"<time>"')
        .replaceAll(/\/run\/containerd\/fifo\/\d+/g, "<fifo>")
        .replaceAll(/snapshots\/\d+/g, "snapshots/<n>")
        // Each shim words its errors itself; what they have in common is the code, which daemons before 2 put at the end.
        .replaceAll(/^ctr: .*?(: [a-z ]+)?$/gm, (_, code = "") => `ctr: <message>${MAJOR < 2 ? code : ""}`)
        .replaceAll(/ +/g, " ")
    );
  }
}

/** Lives through a container's life with `ctr` and writes down what it says. */
export async function recordTranscript(
  { containerd, events }: Scene,
  runtime: Runtime,
  id: string,
): Promise<Transcript> {
  const results: [string, CommandResult][] = [];
  const ctr = async (...args: string[]) => {
    results.push([args.join(" "), await containerd.ctr(args)]);
  };
  const task = (verb: string, ...args: string[]) => ctr("task", verb, ...args);
  await ctr(...runArgs(runtime, ["-d"], id, "sleep", "1000"));
  for (const verb of ["ls", "ps"]) await task(verb, ...(verb === "ls" ? [] : [id]));
  await task("kill", "--exec-id", "nobody", id);
  await task("rm", id);
  await killContainer(containerd, id);
  await task("ls");
  await task("kill", id);
  await task("rm", id);
  for (const verb of ["ls", "rm", "kill"]) await task(verb, ...(verb === "ls" ? [] : [id]));
  await ctr("container", "rm", id);
  const last = "/tasks/delete";
  if (tellsItsLast(runtime)) await events.waitFor(id, last);
  const told = events.tasks(id).filter(({ topic }) => tellsItsLast(CONTROL) || topic !== last);
  return written(results, told, new Names(fixedNames(containerd, runtime, id)));
}

function fixedNames(containerd: Scene["containerd"], runtime: Runtime, id: string): [string, string][] {
  return [
    [containerd.root, "<root>"],
    [containerd.state, "<state>"],
    [containerd.namespace, "<namespace>"],
    [runtime.name, "<runtime>"],
    [id, "<id>"],
  ];
}

function written(
  results: readonly [string, CommandResult][],
  events: ReturnType<Scene["events"]["tasks"]>,
  names: Names,
): Transcript {
  for (const { fields } of events) if (fields.pid !== undefined) names.pid(fields.pid);
  const commands = results.map(([args, { stdout, stderr, exitCode }]) => {
    return names.text([`$ ctr ${args}`, stdout, stderr, `exit status ${exitCode}`].join("\n"));
  });
  return {
    commands,
    events: events.map(({ topic, fields }) => names.text(`${topic} ${JSON.stringify(fields)}`)),
  };
}

import { containerd } from "../../proto/index.ts";
import { timestamp } from "../timestamp.ts";
import type { Container } from "./container.ts";
import { TaskState } from "./lifecycle.ts";
import type { Exit, Process } from "./process.ts";

/** How a process ended, in the fields that answers and events have for it; none before its end. */
export function exitFields(exit: Exit | undefined) {
  return exit === undefined ? {} : { exitStatus: exit.status, exitedAt: timestamp(exit.at) };
}

/** What State says of a process; as from the Go shim, an exec's answer has its own id in place of the container's. */
export function stateAnswer(container: Container, process: Process) {
  const { stdin, stdout, stderr, terminal } = process.paths;
  return {
    id: process.name,
    execId: process.execId,
    bundle: process.bundle,
    pid: process.pid,
    status: TaskState[container.stateOf(process)],
    stdin,
    stdout,
    stderr,
    terminal,
    ...exitFields(process.exit),
  };
}

/** What Pids says of one process: those that were added by Exec have their ids beside them. */
export function processInfo({ pid, execId }: { readonly pid: number; readonly execId: string | undefined }) {
  if (execId === undefined) return { pid };
  const value = containerd.runc.v1.ProcessDetails.encode({ execId }).finish();
  return { pid, info: { typeUrl: "containerd.runc.v1.ProcessDetails", value } };
}

import { childrenOf } from "./process-stat.ts";

/**
 * Kills all that a child of ours has started and that is not left to others. Each is stopped before its children are
 * looked for, so that it starts none that is not seen; the child itself, which `stop` stops, is the caller's to kill.
 */
export function killDescendants(pid: number, stop: () => void): void {
  stop();
  for (const child of childrenOf(pid)) {
    killDescendants(child, () => signal(child, "SIGSTOP"));
    signal(child, "SIGKILL");
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}

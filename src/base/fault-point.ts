/**
 * A place at which the process dies as by `kill -9` where `EBB_FAULT_POINT` names it, and nothing otherwise: so that
 * tests can let a shim die at each step of its work and look at what is left.
 */
export function faultPoint(name: string): void {
  if (process.env.EBB_FAULT_POINT === name) process.kill(process.pid, "SIGKILL");
}

import { existsSync, readFileSync } from "node:fs";
import os from "node:os";
import { command } from "../lab/command.ts";
import type { Machine } from "./result.ts";

/** What this machine is, as far as figures depend on it. */
export async function thisMachine(): Promise<Machine> {
  return {
    kernel: `Linux ${/^[\d.]+/.exec(os.release())?.[0] ?? os.release()}`,
    system: prettyName(),
    cpus: os.cpus().length,
    cpu: os.cpus()[0]?.model ?? "of unknown kind",
    memoryGb: Math.round(os.totalmem() / 1e9),
    cgroup: existsSync("/sys/fs/cgroup/cgroup.controllers") ? "v2" : "v1",
    runc: await versionOf("runc"),
    containerd: await versionOf("containerd"),
  };
}

/** In a sentence, for the page. */
export function describeMachine(machine: Machine): string {
  const { cpus, cpu, memoryGb, system, kernel, cgroup, runc, containerd } = machine;
  const hardware = `${cpus} cores (${cpu}), ${memoryGb} GB of memory`;
  return `${hardware}, ${system}, ${kernel}, control groups ${cgroup}, runc ${runc}, containerd ${containerd}`;
}

function prettyName(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "Linux";
  } catch {
    return "Linux";
  }
}

/** The first version number that a program prints. */
async function versionOf(program: string): Promise<string> {
  const printed = await command(program, ["--version"]).catch(() => undefined);
  return /\d+(?:\.\d+)+/.exec(printed?.stdout ?? "")?.[0] ?? "none";
}

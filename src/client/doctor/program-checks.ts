import { type Check, type Finding, missing, ok, warning, wrong } from "./check.ts";
import type { Host } from "./host.ts";

/** A program, and what it is for; the argument has it print its version. */
interface Program {
  readonly name: string;
  readonly meaning: string;
  readonly remedy: string;
  readonly versionFlag?: string;
  /** What the version's text holds where it is the right program of that name. */
  readonly kind?: string;
}

const PROGRAMS: readonly Program[] = [
  {
    name: "sh",
    meaning: "it is what sees a release through; without it ebb's executable does, which takes no turns",
    remedy: "install dash or another shell as /bin/sh",
  },
  {
    name: "flock",
    meaning: "releases on one disk take turns by it",
    remedy: "apt-get install util-linux",
    versionFlag: "--version",
  },
  {
    name: "umount",
    meaning: "takes away what a shim that died has left mounted",
    remedy: "apt-get install mount",
    versionFlag: "--version",
  },
  {
    name: "tar",
    meaning: "unpacks the layers of images, with their owners, devices and attributes",
    remedy: "apt-get install tar: GNU tar, as others cannot do all of it",
    versionFlag: "--version",
    kind: "GNU tar",
  },
  {
    name: "zstd",
    meaning: "unpacks the layers of images that are compressed by it",
    remedy: "apt-get install zstd",
    versionFlag: "--version",
  },
  {
    name: "crun",
    meaning: "may run containers in the place of runc, where the option BinaryName says so",
    remedy: "apt-get install crun, if it is wanted",
    versionFlag: "--version",
  },
];

/** What programs are there. */
export const PROGRAM_CHECKS: readonly Check[] = [
  {
    name: "runc",
    meaning: "the shims run containers by it",
    remedy: "apt-get install runc",
    needed: true,
    look: lookForRunc,
  },
  ...PROGRAMS.map((program): Check => {
    const { name, meaning, remedy } = program;
    return { name, meaning, remedy, needed: false, look: (host) => lookFor(host, program) };
  }),
  {
    name: "criu",
    meaning: "checkpoints and restores containers",
    remedy: "apt-get install criu, if it is wanted",
    needed: false,
    look: lookForCriu,
  },
];

async function lookFor(host: Host, { name, versionFlag, kind = "" }: Program): Promise<Finding> {
  const file = await host.find(name);
  if (file === undefined) return missing("not in PATH");
  if (versionFlag === undefined) return ok(file);
  const { exitCode, stdout, stderr } = await host.run(file, versionFlag);
  if (exitCode !== 0) return wrong(`${file} ${versionFlag} fails: ${firstLine(stderr || stdout)}`);
  return stdout.includes(kind) ? ok(versionIn(stdout)) : wrong(`${file} is not ${kind}`);
}

/** Where another runtime is there, containers can be run all the same. */
async function lookForRunc(host: Host): Promise<Finding> {
  const runc = await lookFor(host, { name: "runc", meaning: "", remedy: "", versionFlag: "--version" });
  if (runc.status === "ok" || (await host.find("crun")) === undefined) return runc;
  return {
    ...runc,
    status: "warning",
    remedy: "apt-get install runc, or name crun by the option BinaryName",
  };
}

async function lookForCriu(host: Host): Promise<Finding> {
  const criu = await lookFor(host, { name: "criu", meaning: "", remedy: "", versionFlag: "--version" });
  if (criu.status !== "ok") return criu;
  const { exitCode, stdout, stderr } = await host.run("criu", "check");
  if (exitCode === 0) return criu;
  return {
    ...warning(`${criu.found}; criu check fails: ${firstLine(stderr || stdout)}`),
    remedy: "see what criu check says of this kernel; containers run all the same, without checkpoints",
  };
}

function versionIn(text: string): string {
  return /\d+\.\d[\w.+~-]*/.exec(text)?.[0] ?? firstLine(text);
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}

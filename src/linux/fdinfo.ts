import fs from "node:fs";

/** A field of what the kernel tells of a process's open descriptor (proc_pid_fdinfo(5)), if it has that. */
export function fdinfoField(pid: number | "self", fd: number | string, field: string): string | undefined {
  const lines = fs.readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8").split("\n");
  return lines
    .find((line) => line.startsWith(`${field}:`))
    ?.slice(field.length + 1)
    .trim();
}

/** How many descriptors this process has. */
export function countDescriptors(): number {
  // The one by which they are read is one of them.
  return fs.readdirSync("/proc/self/fd").length - 1;
}

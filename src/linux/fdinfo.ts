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

/** The flag of a descriptor that goes when its process executes another program (open(2)). */
const O_CLOEXEC = 0o2000000;

/**
 * Closes what this process was started with beside stdin, stdout and stderr: somebody may wait for the end of it. What it
 * has opened itself is close-on-exec. One that is closed meanwhile is passed over.
 */
export function closeInherited(): void {
  for (const fd of fs
    .readdirSync("/proc/self/fd")
    .map(Number)
    .filter((each) => each > 2)) {
    try {
      if ((Number.parseInt(fdinfoField("self", fd, "flags") ?? "", 8) & O_CLOEXEC) === 0) fs.closeSync(fd);
    } catch {
      // It was the one by which they are read.
    }
  }
}

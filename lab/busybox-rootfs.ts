import { chmodSync, copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { must } from "./command.ts";

const BUSYBOX = ["/bin/busybox", "/usr/bin/busybox"];

/** Directories of the root file system with their modes. */
const DIRECTORIES: readonly (readonly [string, number])[] = [
  ["bin", 0o755],
  ["dev", 0o755],
  ["etc", 0o755],
  ["proc", 0o555],
  ["root", 0o700],
  ["run", 0o755],
  ["sys", 0o555],
  ["tmp", 0o1777],
  ["var", 0o755],
];

const FILES: Readonly<Record<string, string>> = {
  "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
  "etc/group": "root:x:0:\nnogroup:x:65534:\n",
  "etc/hosts": "127.0.0.1 localhost\n",
};

/** The static busybox of this machine, or undefined. */
export function busyboxPath(): string | undefined {
  return BUSYBOX.find((file) => existsSync(file));
}

/**
 * Makes a root file system of this machine's static busybox in a directory that is empty or does not exist:
 * its applets in /bin, a root user, and the directories that an OCI runtime mounts on.
 */
export async function makeBusyboxRootfs(directory: string): Promise<void> {
  const busybox = busyboxPath();
  if (busybox === undefined) throw new Error(`no busybox at ${BUSYBOX.join(" or ")}`);
  for (const [name, mode] of DIRECTORIES) {
    mkdirSync(path.join(directory, name), { recursive: true });
    chmodSync(path.join(directory, name), mode);
  }
  copyFileSync(busybox, path.join(directory, "bin/busybox"));
  chmodSync(path.join(directory, "bin/busybox"), 0o755);
  const applets = (await must(busybox, ["--list"])).split("\n");
  // The list names busybox itself: a link of that name would take the place of the program.
  for (const applet of applets.filter((name) => name !== "" && name !== "busybox")) {
    symlinkSync("busybox", path.join(directory, "bin", applet));
  }
  for (const [name, text] of Object.entries(FILES)) writeFileSync(path.join(directory, name), text);
}

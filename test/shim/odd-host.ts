import fs from "node:fs";
import path from "node:path";
import { busyboxPath } from "../../lab/busybox-rootfs.ts";
import { programPath, shimPath } from "../support/shim-process.ts";

/**
 * A program that is our executable on a host that has other things in the place of some of its programs: in a mount
 * namespace of its own, without the root file systems of others, whose releases it would prolong.
 */
export function shimOnHostWith(dir: string, replaced: Readonly<Record<string, string>>): string {
  const program = path.join(dir, "shim-on-odd-host");
  const busybox = busyboxPath() ?? "";
  const binds = Object.entries(replaced).map(([what, by]) => `${busybox} mount --bind ${by} ${what}`);
  // Where no shell is in its usual place the program is installed by itself.
  const shim = "/bin/sh" in replaced ? programPath : shimPath;
  const script = `#!/bin/sh
exec unshare -m --propagation private ${busybox} sh -e -c '
while read -r _ _ _ _ point _; do
  case "$point" in */rootfs) ${busybox} umount -l "$point" || true ;; esac
done < /proc/self/mountinfo
${binds.join("\n")}
exec "$0" "$@"' ${shim} "$@"
`;
  fs.writeFileSync(program, script, { mode: 0o755 });
  return program;
}

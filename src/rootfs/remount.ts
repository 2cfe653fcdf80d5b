import { hasCode, StatusCode } from "../base/status.ts";
import { type Libc, type MountCall, MountFlag } from "../linux/libc.ts";
import { parseLinesWith, readMountTable } from "../linux/mountinfo.ts";
import { mountIdOf } from "./nothing-mounted.ts";

/** What a mount may have by the names that mountinfo has for it (proc(5)); how times are kept stays by itself. */
const KEPT: Readonly<Record<string, number>> = {
  ro: MountFlag.rdonly,
  nosuid: MountFlag.nosuid,
  nodev: MountFlag.nodev,
  noexec: MountFlag.noexec,
};

/**
 * Gives a mount other flags. In a user namespace those that it has from a mount of the host cannot be taken off it
 * (mount_namespaces(7), "locked"), and are refused where they are left out: it keeps what it has there.
 */
export async function remount(libc: Libc, call: MountCall): Promise<void> {
  try {
    await libc.mount(call);
  } catch (err) {
    if (!hasCode(err, StatusCode.permissionDenied)) throw err;
    const flags = call.flags | (await flagsOf(call.target));
    if (flags === call.flags) throw err;
    await libc.mount({ ...call, flags });
  }
}

async function flagsOf(target: string): Promise<number> {
  const id = await mountIdOf(target);
  const [mount] = parseLinesWith(`\n${id} `, `\n${readMountTable()}`);
  const options = mount?.options.split(",") ?? [];
  return options.reduce((flags, option) => flags | (KEPT[option] ?? 0), 0);
}

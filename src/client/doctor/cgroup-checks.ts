import { type MountInfo, parseMountInfo } from "../../linux/mountinfo.ts";
import { type Check, type Finding, missing, ok, warning } from "./check.ts";
import type { Host } from "./host.ts";

/** What limits of containers are made of; `io` is `blkio` in version 1. */
const CONTROLLERS = ["cpu", "memory", "pids", "io"] as const;

/** What control groups and mount points are like. */
export const CGROUP_CHECKS: readonly Check[] = [
  {
    name: "cgroups",
    meaning: "a container's processes are kept together and counted by them",
    remedy: "mount them: systemd does, else the package cgroupfs-mount",
    needed: true,
    look: async (host) => versionOf(await cgroupMounts(host)),
  },
  {
    name: "cgroup controllers",
    meaning: "limits and figures of containers: --memory, --cpus, stats",
    remedy: "turn them on: in cgroup.subtree_control, or off the kernel's cgroup_disable=",
    needed: false,
    look: async (host) => lookForControllers(host, await cgroupMounts(host)),
  },
  {
    name: "shared /run",
    meaning: "a rootfs that is unmounted goes from every mount namespace, so that nobody else holds it",
    remedy: "mount --make-rshared /, as systemd does at boot",
    needed: false,
    look: async (host) => propagationOf("/run", parseMountInfo((await host.read(MOUNTS)) ?? "")),
  },
];

const MOUNTS = "/proc/self/mountinfo";

async function cgroupMounts(host: Host): Promise<readonly MountInfo[]> {
  const mounts = parseMountInfo((await host.read(MOUNTS)) ?? "");
  return mounts.filter(({ type }) => type === "cgroup" || type === "cgroup2");
}

function versionOf(mounts: readonly MountInfo[]): Finding {
  const types = new Set(mounts.map(({ type }) => type));
  if (types.size === 0) return missing("none are mounted");
  if (types.size === 2) return ok("version 1, with version 2 beside it");
  return ok(types.has("cgroup2") ? "version 2" : "version 1");
}

async function lookForControllers(host: Host, mounts: readonly MountInfo[]): Promise<Finding> {
  const names = (await Promise.all(mounts.map((mount) => controllersOf(host, mount)))).flat();
  const there = CONTROLLERS.filter(
    (name) => names.includes(name) || (name === "io" && names.includes("blkio")),
  );
  const not = CONTROLLERS.filter((name) => !there.includes(name));
  if (there.length === 0) return missing("none");
  return not.length === 0 ? ok(there.join(", ")) : warning(`${there.join(", ")}; not ${not.join(", ")}`);
}

async function controllersOf(host: Host, { type, mountPoint, superOptions }: MountInfo): Promise<string[]> {
  if (type === "cgroup") return superOptions.split(",");
  return ((await host.read(`${mountPoint}/cgroup.controllers`)) ?? "").trim().split(" ");
}

/** The mount that a path is on is the newest of those with the longest mount point. */
function propagationOf(dir: string, mounts: readonly MountInfo[]): Finding {
  const above = mounts.filter(({ mountPoint }) => mountPoint === dir || mountPoint === "/");
  const mount = above.findLast(({ mountPoint }) => mountPoint === dir) ?? above.at(-1);
  const shared = mount?.propagation.some((word) => word.startsWith("shared:")) ?? false;
  return shared ? ok("yes") : warning("no: it is private");
}

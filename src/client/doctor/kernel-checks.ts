import { type Check, type Finding, isAtLeast, missing, ok, warning } from "./check.ts";
import type { Host } from "./host.ts";

/** The bit of CAP_SYS_ADMIN, without which nobody mounts (linux/capability.h). */
const CAP_SYS_ADMIN = 1n << 21n;

/** What the shim, and the runtime it is compiled with, call without asking: statx(2) and what is older. */
const OLDEST_KERNEL = "4.14";

/**
 * Mounts an overlay of empty directories on a tmpfs, in a mount namespace of its own: nothing is left of it, and no
 * disk is touched. The namespace follows what the host unmounts meanwhile, so that it holds nothing up.
 */
const MOUNT_OVERLAY = `mount -t tmpfs -o size=1m tmpfs "$1" && cd "$1" && mkdir lower upper work merged &&
mount -t overlay -o "lowerdir=lower,upperdir=upper,workdir=work$2" overlay merged`;

/** Where the tmpfs is mounted: every Linux has it. */
const SCRATCH = "/run";

/** What the kernel and the rights of this process allow. */
export const KERNEL_CHECKS: readonly Check[] = [
  {
    name: "root",
    meaning: "making containers takes root's rights",
    remedy: "call ebb as root or with sudo; in a container give it CAP_SYS_ADMIN",
    needed: true,
    look: lookForRights,
  },
  {
    name: "kernel",
    meaning: `the shim uses what Linux has since ${OLDEST_KERNEL}`,
    remedy: "use a newer kernel",
    needed: true,
    look: async ({ kernel }) => (isAtLeast(kernel, OLDEST_KERNEL) ? ok : missing)(`Linux ${kernel}`),
  },
  {
    name: "overlayfs",
    meaning: "the layers of an image and what a container writes are put together by it",
    remedy: "modprobe overlay, or a kernel with CONFIG_OVERLAY_FS",
    needed: true,
    look: async (host) => (await refusalOfOverlay(host, "")) ?? ok("can be mounted"),
  },
  {
    name: "overlay volatile",
    meaning: "the release mode volatile needs it",
    remedy: "a kernel from 5.10 on, or another release mode",
    needed: false,
    look: lookForVolatile,
  },
  since("new mount API", "5.2", "images with very many layers are mounted by it"),
  since("idmapped mounts", "5.19", "containers in user namespaces of their own share layers by them"),
  {
    name: "user namespaces",
    meaning: "containers whose root is not the host's root need them",
    remedy: "a kernel with CONFIG_USER_NS, and sysctl user.max_user_namespaces above 0",
    needed: false,
    look: lookForUserNamespaces,
  },
];

async function lookForRights(host: Host): Promise<Finding> {
  if (host.uid !== 0) return missing(`this is user ${host.uid}`);
  const status = (await host.read("/proc/self/status")) ?? "";
  const [, effective = "0"] = /^CapEff:\s*([0-9a-f]+)$/m.exec(status) ?? [];
  const may = (BigInt(`0x${effective}`) & CAP_SYS_ADMIN) !== 0n;
  return may ? ok("this is root") : missing("this is root without CAP_SYS_ADMIN");
}

async function refusalOfOverlay(host: Host, options: string): Promise<Finding | undefined> {
  if (host.uid !== 0) return warning("not looked at: only root may mount");
  const args = ["--mount", "--propagation", "slave", "/bin/sh", "-c", MOUNT_OVERLAY, "sh", SCRATCH, options];
  const { exitCode, stderr } = await host.run("unshare", ...args);
  if (exitCode === 0) return undefined;
  // The shell's word for a program that is not in PATH.
  return exitCode === 127 ? warning(`not known: ${firstLine(stderr)}`) : missing(firstLine(stderr));
}

async function lookForVolatile(host: Host): Promise<Finding> {
  const refusal = await refusalOfOverlay(host, ",volatile");
  if (refusal === undefined) return ok("can be mounted");
  if (refusal.status === "warning") return refusal;
  const without = await refusalOfOverlay(host, "");
  return without === undefined
    ? missing(`Linux ${host.kernel} does not know it`)
    : warning("not known: no overlay can be mounted");
}

/** A check of what is there from one version of the kernel on, and leaves no other trace. */
function since(name: string, version: string, meaning: string): Check {
  const remedy = `a kernel from ${version} on`;
  const look = async ({ kernel }: Host) =>
    isAtLeast(kernel, version) ? ok(`in Linux since ${version}`) : missing(`Linux ${kernel} is too old`);
  return { name, meaning, remedy, needed: false, look };
}

async function lookForUserNamespaces(host: Host): Promise<Finding> {
  const limit = await host.read("/proc/sys/user/max_user_namespaces");
  if (limit === undefined) return missing("this kernel has none");
  return Number(limit) > 0 ? ok(`up to ${limit.trim()}`) : missing("user.max_user_namespaces is 0");
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}

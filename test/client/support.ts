import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import path from "node:path";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { busyboxPath, makeBusyboxRootfs } from "../../lab/busybox-rootfs.ts";
import { settledLeftovers, stopEverything } from "../../lab/leftovers.ts";

/** Makes a directory with a short path (sockets fit in it) that is removed after the file's tests. */
export function scratchDir(): string {
  const dir = mkdtempSync("/tmp/ebbt-");
  after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** What this process's open descriptors are, for counting before and after. */
export function openFiles(below: string): string[] {
  return readdirSync("/proc/self/fd")
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return "";
      }
    })
    .filter((file) => file.startsWith(below));
}

/** A shim that is installed here, to test against. */
export interface InstalledShim {
  readonly name: string;
  readonly runtime: string;
  /** Whether it takes BootstrapParams, as shims of containerd 2.3 do. */
  readonly bootstrap: boolean;
}

/** The shims that are there: containerd's own, and the one that was built here. */
export function installedShims(): InstalledShim[] {
  const built = fileURLToPath(new URL("../../dist/containerd-shim-ebb-v2", import.meta.url));
  const shims: InstalledShim[] = [];
  if (isInstalled("containerd-shim-runc-v2")) {
    shims.push({ name: "containerd-shim-runc-v2", runtime: "io.containerd.runc.v2", bootstrap: false });
  }
  if (existsSync(built)) shims.push({ name: "containerd-shim-ebb-v2", runtime: built, bootstrap: true });
  return shims;
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? "").split(":").some((dir) => existsSync(path.join(dir, program)));
}

/** Why containers cannot be run here; false where they can. */
export const noContainers: string | false =
  process.getuid?.() !== 0
    ? "needs root"
    : !isInstalled("runc")
      ? "needs runc"
      : busyboxPath() === undefined
        ? "needs a static busybox"
        : false;

/** A place to run containers in: a root file system, a state directory, and what is left there by them. */
export interface Place {
  readonly rootfs: string;
  readonly stateDir: string;
  readonly namespace: string;
  /**
   * What the containers with these ids have left behind, but for these directories; nothing is what it should be. What
   * is excused is not waited for.
   */
  leftovers(
    ids: readonly string[],
    kept?: readonly string[],
    excused?: (line: string) => boolean,
  ): Promise<string[]>;
}

/** Makes a place of its own for a file's tests, removed after them. Call it outside of any test. */
export function makePlace(name: string): Place {
  // Two runs at a time must not take each other's containers for their own.
  const namespace = `${name}-${process.pid}`;
  const dir = scratchDir();
  const rootfs = path.join(dir, "rootfs");
  const stateDir = path.join(dir, "state");
  const scope = (ids: readonly string[]) => ({
    roots: [stateDir],
    address: path.join(stateDir, "ebb.sock"),
    namespace,
    ids,
  });
  before(async () => {
    if (noContainers === false) await makeBusyboxRootfs(rootfs);
  });
  after(async () => {
    if (noContainers === false) await stopEverything(scope([]));
  });
  return {
    rootfs,
    stateDir,
    namespace,
    leftovers: async (ids, kept = [], excused = () => false) => {
      const expected = [stateDir, ...kept].map((dir) => `directory ${dir}`);
      const left = await settledLeftovers(scope(ids), expected, excused);
      return left.filter((line) => !expected.includes(line) && !excused(line));
    },
  };
}
